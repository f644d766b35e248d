import type { Act } from '../../../audit/act.ts'
import type { ChosenLetters, LetterOperator } from '../../../inbox/letters/operator/letter-operator.ts'
import type { KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { actorOf } from '../../actor.ts'
import type { CommandContext } from '../../command-context.ts'
import type { ActOptions } from '../../operator-options.ts'
import type { SelectionOptions } from './letter-selection.ts'
import { withLettersOf } from './letters-of.ts'

/** Ids that are printed in a line; all of them are in the JSON. */
const idsShown = 20

/** Does something to letters, and prints to which. */
export async function actOnLetters(
  context: CommandContext,
  database: KnownDatabase,
  verb: { readonly name: 'redrive' | 'drop'; readonly done: string; readonly would: string },
  options: SelectionOptions & ActOptions,
  work: (
    operator: LetterOperator,
    act: Act,
    bulk: { readonly limit: number; readonly dryRun: boolean },
  ) => Promise<ChosenLetters>,
): Promise<void> {
  const act = { reason: options.reason, actor: actorOf(options.actor) }
  const { limit, dryRun } = options
  const chosen = await withLettersOf(context, database, (operator) => work(operator, act, { limit, dryRun }))
  context.print({ database: database.name, verb: verb.name, dryRun, ...chosen }, (it) => {
    const { ids, busy, behindOthers, more } = it
    return [
      `${it.database}: ${dryRun ? verb.would : verb.done} ${ids.length} letter(s): ${listed(ids)}\n`,
      behindOthers > 0 && verb.name === 'redrive'
        ? `${behindOthers} of them wait until the letters before them in their keys are through.\n`
        : '',
      busy.length > 0
        ? `${busy.length} letter(s) were left, for they are handled just now: ${listed(busy)}\n`
        : '',
      more ? `There are more: repeat it, or raise --limit (${limit}).\n` : '',
    ].join('')
  })
}

function listed(ids: readonly string[]): string {
  return `${ids.slice(0, idsShown).join(', ')}${ids.length > idsShown ? ', ...' : ''}`
}
