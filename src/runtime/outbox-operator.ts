import type { Pool } from 'pg'
import type { BodyLimits } from '../message/limits.ts'
import { pgOutboxOperator } from '../postgres/operator/pg-outbox-operator.ts'
import type { OutboxOperator } from '../relay/operator/outbox-operator.ts'

/**
 * Makes what an operator looks at an outbox with, and has its parked rows retried, edited or skipped.
 *
 * @param options.schema where the tables are. Default `backstitch`
 * @param options.limits of bodies that an edit brings. Default: those of contracts, 900 kB and 64 levels
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 * @example
 * const operator = createOutboxOperator({ database: pool })
 * const [first] = await operator.list({ topic: 'outbox.event.order' })
 * await operator.retry({ topic: 'outbox.event.order' }, { actor: 'ann', reason: 'the limit was raised' })
 */
export function createOutboxOperator(options: {
  readonly database: Pool
  readonly schema?: string
  readonly limits?: BodyLimits
}): OutboxOperator {
  const { database, ...others } = options
  return pgOutboxOperator(database, others)
}
