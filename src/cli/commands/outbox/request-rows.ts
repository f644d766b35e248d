import type { QuarantineSelection } from '../../../relay/operator/outbox-operator.ts'
import type { KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { actorOf } from '../../actor.ts'
import type { CommandContext } from '../../command-context.ts'
import type { ActOptions } from '../../operator-options.ts'
import { withOutboxOf } from './outbox-of.ts'
import type { SelectionOptions } from './row-selection.ts'

/** Seqs that are printed in a line; all of them are in the JSON. */
const seqsShown = 20

/** Notes that rows are to be retried or skipped, and prints which. */
export async function requestRows(
  context: CommandContext,
  database: KnownDatabase,
  verb: 'retry' | 'skip',
  selection: QuarantineSelection,
  options: SelectionOptions & ActOptions,
): Promise<void> {
  const act = { reason: options.reason, actor: actorOf(options.actor) }
  const { limit, dryRun } = options
  const requested = await withOutboxOf(context, database, (operator) =>
    operator[verb](selection, act, { limit, dryRun }),
  )
  context.print({ database: database.name, verb, dryRun, ...requested }, (it) => {
    const { seqs, more } = it
    const shown = `${seqs.slice(0, seqsShown).join(', ')}${seqs.length > seqsShown ? ', ...' : ''}`
    const done = dryRun ? `would request ${verb}` : `${verb} requested`
    return (
      `${it.database}: ${done} of ${seqs.length} row(s): ${shown}\n` +
      (more ? `There are more: repeat it when these are through, or raise --limit (${limit}).\n` : '')
    )
  })
}
