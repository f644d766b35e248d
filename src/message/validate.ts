import type { z } from 'zod'
import { BackstitchError } from '../kernel/errors.ts'

/**
 * Runs a contract’s schema over a body.
 * @throws `MESSAGE_INVALID` naming each field and what is wrong with it
 */
export function validateBody<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
  owner: string,
): z.output<Schema> {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issues = result.error.issues.map(({ path, message }) => ({
    path: path.join('.') || '(body)',
    message,
  }))
  throw new BackstitchError(
    'MESSAGE_INVALID',
    `${owner}: ${issues.map(({ path, message }) => `${path}: ${message}`).join('; ')}`,
    { details: { issues } },
  )
}
