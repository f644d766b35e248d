import { type Command, InvalidArgumentError } from 'commander'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { onlyDatabase } from '../../only-database.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { actOnLetters } from './act-on-letters.ts'
import { addSelectionOptions, selectionOf, type SelectionOptions } from './letter-selection.ts'

type RedriveOptions = SelectionOptions & ActOptions & { readonly rate?: number }

const perSecond: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600 }

/** `backstitch dlq redrive`: has dead letters handled again. */
export function addRedriveCommand(dlq: Command, io: CliIo): void {
  addActOptions(
    addSelectionOptions(
      dlq.command('redrive').description('handle dead letters again, each key in its order'),
    ),
  )
    .option('--rate <number>', 'how many at most: 50, 50/s, 100/m or 1000/h (default: all at once)', rateOf)
    .addHelpText(
      'after',
      `
The members of the group do it within about a second, so one must run. Of a filter, or of all, those that are dead are chosen; what waits behind
them in the lines of their keys follows. A letter that fails again is dead again. MESSAGE_ID_REUSED is left out: edit or drop it.

Examples:
  backstitch dlq redrive 42 43 --reason 'the bug is fixed'
  backstitch dlq redrive --group billing --code HANDLER_FAILED --dry-run --reason 'the bug is fixed'
  backstitch dlq redrive --group billing --rate 100/s --limit 100000 --reason 'the bug is fixed'`,
    )
    .action(async (ids: readonly string[], options: RedriveOptions, command: Command) => {
      const selection = selectionOf(ids, options)
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database, 'inbox')
      const rate = options.rate === undefined ? {} : { ratePerSecond: options.rate }
      const verb = {
        name: 'redrive',
        done: 'set to be handled again:',
        would: 'would set to be handled again:',
      } as const
      await actOnLetters(context, database, verb, options, (operator, act, bulk) =>
        operator.redrive(selection, act, { ...bulk, ...rate }),
      )
    })
}

function rateOf(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,7}(?:\.\d{1,3})?)(?:\/([smh]))?$/.exec(text) ?? []
  const rate = Number(number) / (perSecond[unit] ?? 1)
  if (!(rate > 0)) throw new InvalidArgumentError('It is a number a second, or 100/m, or 1000/h.')
  return rate
}
