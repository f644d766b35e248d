import type { QuarantineSelection } from '../../../relay/quarantine/outbox-operator.ts'
import type { KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { createOutboxOperator } from '../../../runtime/outbox-operator.ts'
import { actorOf } from '../../actor.ts'
import type { CommandContext } from '../../command-context.ts'
import type { ActOptions } from '../../operator-options.ts'

/** Notes that rows are to be retried or skipped, and prints which. */
export async function requestRows(
  context: CommandContext,
  database: KnownDatabase,
  verb: 'retry' | 'skip',
  selection: QuarantineSelection,
  options: ActOptions,
): Promise<void> {
  const act = { reason: options.reason, actor: actorOf(options.actor) }
  const requested = await context.withPool(database, (pool) =>
    createOutboxOperator({ database: pool, schema: database.schema })[verb](selection, act),
  )
  context.print(
    { database: database.name, verb, seqs: requested },
    (it) => `${it.database}: ${verb} requested of ${it.seqs.length} row(s): ${it.seqs.join(', ')}\n`,
  )
}
