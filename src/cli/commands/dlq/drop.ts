import type { Command } from 'commander'
import { BackstitchError } from '../../../kernel/errors.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { onlyDatabase } from '../../only-database.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { actOnLetters } from './act-on-letters.ts'
import { addSelectionOptions, selectionOf, type SelectionOptions } from './letter-selection.ts'

type DropOptions = SelectionOptions & ActOptions & { readonly yes?: boolean }

/** `backstitch dlq drop`: deletes dead letters. */
export function addDropCommand(dlq: Command, io: CliIo): void {
  addActOptions(
    addSelectionOptions(
      dlq.command('drop').description('delete dead letters: their messages are never handled'),
    ),
  )
    .option('--yes', 'confirm `--all`')
    .addHelpText(
      'after',
      `
The messages count as handled. What waits behind a letter in the line of its key goes on by itself. \`backstitch dlq export\` keeps them first.

Examples:
  backstitch dlq drop 42 --reason 'corrected by hand'
  backstitch dlq drop --group billing --key o-17 --reason 'the order was cancelled'`,
    )
    .action(async (ids: readonly string[], options: DropOptions, command: Command) => {
      const selection = selectionOf(ids, options)
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database, 'inbox')
      if (options.all === true && options.yes !== true && !options.dryRun)
        throw new BackstitchError(
          'CONFIRMATION_MISSING',
          `dlq drop --all would delete every dead letter of ${database.name}`,
        )
      const verb = { name: 'drop', done: 'dropped', would: 'would drop' } as const
      await actOnLetters(context, database, verb, options, (operator, act, bulk) =>
        operator.drop(selection, act, bulk),
      )
    })
}
