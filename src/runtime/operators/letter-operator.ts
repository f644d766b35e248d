import type { Pool } from 'pg'
import type { LetterOperator } from '../../inbox/letters/operator/letter-operator.ts'
import type { BodyLimits } from '../../message/limits.ts'
import { pgLetterOperator } from '../../postgres/operator/pg-letter-operator.ts'

/**
 * Makes what an operator looks at the dead letters of a database with, and redrives, edits or drops them.
 *
 * @param options.schema where the tables are. Default `backstitch`
 * @param options.limits of bodies that an edit brings. Default: those of contracts, 900 kB and 64 levels
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 * @example
 * const operator = createLetterOperator({ database: pool })
 * await operator.redrive({ filter: { group: 'billing', code: 'HANDLER_FAILED' } }, { actor: 'ann', reason: 'the bug is fixed' })
 */
export function createLetterOperator(options: {
  readonly database: Pool
  readonly schema?: string
  readonly limits?: BodyLimits
}): LetterOperator {
  const { database, ...others } = options
  return pgLetterOperator(database, others)
}
