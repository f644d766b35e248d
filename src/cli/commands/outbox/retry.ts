import type { Command } from 'commander'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyDatabase } from '../../only-database.ts'
import { requestRows } from './request-rows.ts'
import { addSelectionOptions, selectionOf, type SelectionOptions } from './row-selection.ts'

/** `backstitch outbox retry`: has parked rows published again. */
export function addRetryCommand(outbox: Command, io: CliIo): void {
  addActOptions(
    addSelectionOptions(
      outbox.command('retry').description('publish rows again, each key from its first row on'),
    ),
  )
    .addHelpText(
      'after',
      `
The relay that owns the outbox does it within about a second, and keeps the order of each key. Of a topic, or of all, the refused rows are
chosen; what waits behind them follows. Rows that wait for their topic need no retry.

Examples:
  backstitch outbox retry 4711 4712 --reason 'the limit was raised'
  backstitch outbox retry --topic outbox.event.order --key o-17 --reason 'the limit was raised'`,
    )
    .action(async (seqs: readonly string[], options: SelectionOptions & ActOptions, self: Command) => {
      const selection = selectionOf(seqs, options)
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      await requestRows(context, database, 'retry', selection, options)
    })
}
