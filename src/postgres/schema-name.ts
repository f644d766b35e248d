import { BackstitchError } from '../kernel/errors.ts'

/** Where the tables are unless the user chooses another schema. */
export const defaultSchema = 'backstitch'

/**
 * Quotes the name of a schema, once, for all statements of a store.
 * @throws `CONFIG_INVALID` when it is empty, longer than Postgres keeps (63 bytes), or holds a NUL or a quote
 */
export function quoteSchema(name: string): string {
  if (name === '' || Buffer.byteLength(name) > 63 || /["'\0]/.test(name))
    throw new BackstitchError('CONFIG_INVALID', `schema: "${name}" is no usable name of a schema`)
  return `"${name}"`
}
