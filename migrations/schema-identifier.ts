import { migrationError } from './migration-error.ts'

/**
 * Quotes the name of a schema for the statements of the migrations, which use it inside of literals as well: hence no quotes in it.
 * @throws `CONFIG_INVALID` when it is empty, longer than Postgres keeps (63 bytes), or holds a quote or a NUL
 */
export function schemaIdentifier(name: string): string {
  if (name === '' || Buffer.byteLength(name) > 63 || /["'\0]|\$(body|prepare|tidy)\$/.test(name))
    throw migrationError(
      'CONFIG_INVALID',
      'The configuration is invalid.',
      `schema: "${name}" is no usable name of a schema`,
      'Choose another name.',
    )
  return `"${name}"`
}
