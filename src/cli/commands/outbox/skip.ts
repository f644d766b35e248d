import type { Command } from 'commander'
import { BackstitchError } from '../../../kernel/errors.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyDatabase } from '../../only-database.ts'
import { requestRows } from './request-rows.ts'
import { addSelectionOptions, selectionOf, type SelectionOptions } from './row-selection.ts'

type SkipOptions = SelectionOptions & ActOptions & { readonly yes?: boolean }

/** `backstitch outbox skip`: has parked rows dropped. */
export function addSkipCommand(outbox: Command, io: CliIo): void {
  addActOptions(
    addSelectionOptions(outbox.command('skip').description('drop rows: they are never published')),
  )
    .option('--yes', 'confirm `--all`')
    .addHelpText(
      'after',
      `
The relay that owns the outbox does it within about a second, and keeps the order of each key.

Examples:
  backstitch outbox skip 4711 4712 --reason 'sent by hand'
  backstitch outbox skip --topic outbox.event.order --key o-17 --reason 'the order was cancelled'`,
    )
    .action(async (seqs: readonly string[], options: SkipOptions, self: Command) => {
      const selection = selectionOf(seqs, options)
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      if (options.all === true && options.yes !== true && !options.dryRun)
        throw new BackstitchError(
          'CONFIRMATION_MISSING',
          `outbox skip --all would drop every row in the quarantine of ${database.name}`,
        )
      await requestRows(context, database, 'skip', selection, options)
    })
}
