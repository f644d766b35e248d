import type { z } from 'zod'
import { BackstitchError, reasonOf } from '../kernel/errors.ts'

/** A body of thousands of faulty fields must not become an error of as many lines. */
const issuesNamedMax = 20

/**
 * Runs a contract’s schema over a body.
 * @throws `MESSAGE_INVALID` naming the fields (the first 20) and what is wrong with each
 */
export function validateBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  owner: string,
): z.output<Schema> {
  const result = parsed(schema, body, owner)
  if (result.success) return result.data
  const all = result.error.issues
  const issues = all.slice(0, issuesNamedMax).map(({ path, message }) => ({
    path: path.map(String).join('.') || '(body)',
    message,
  }))
  const more = all.length > issues.length ? `; and ${all.length - issues.length} more` : ''
  throw new BackstitchError(
    'MESSAGE_INVALID',
    `${owner}: ${issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}${more}`,
    { details: { issues } },
  )
}

function parsed<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  owner: string,
): z.ZodSafeParseResult<z.output<Schema>> {
  try {
    return schema.safeParse(body)
  } catch (cause) {
    // A recursive schema over a body nested thousands deep, an asynchronous check, or a check that throws.
    throw new BackstitchError('MESSAGE_INVALID', `${owner}: ${reasonOf(cause)}`, { cause })
  }
}
