import type { OutboxOperator } from '../../../relay/operator/outbox-operator.ts'
import type { KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { createOutboxOperator } from '../../../runtime/outbox-operator.ts'
import type { CommandContext } from '../../command-context.ts'

/** Does work with the operator of a database’s outbox, once the database answers. */
export function withOutboxOf<Result>(
  { withPool }: CommandContext,
  database: KnownDatabase,
  work: (operator: OutboxOperator) => Promise<Result>,
): Promise<Result> {
  return withPool(database, (pool) => work(createOutboxOperator({ database: pool, schema: database.schema })))
}
