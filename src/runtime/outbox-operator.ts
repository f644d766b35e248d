import type { Pool } from 'pg'
import { pgOutboxOperator } from '../postgres/relay/pg-outbox-operator.ts'
import type { OutboxOperator } from '../relay/quarantine/outbox-operator.ts'

/**
 * Makes what an operator looks at an outbox’s quarantine with, and has its rows retried or skipped.
 *
 * @param options.schema where the tables are. Default `backstitch`
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 * @example
 * const operator = createOutboxOperator({ database: pool })
 * const [first] = await operator.list({ topic: 'outbox.event.order' })
 * await operator.retry({ topic: 'outbox.event.order' }, { actor: 'ann', reason: 'the limit was raised' })
 */
export function createOutboxOperator(options: {
  readonly database: Pool
  readonly schema?: string
}): OutboxOperator {
  return pgOutboxOperator(options.database, options.schema)
}
