import type { Command } from 'commander'
import type { LetterContent } from '../../../inbox/letters/operator/letter-edit.ts'
import type { EditedLetter } from '../../../inbox/letters/operator/letter-operator.ts'
import { bytesOf } from '../../../inbox/letters/operator/shown-bytes.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { addContentOptions, changeOf, type ContentOptions } from '../../content-options.ts'
import { onlyDatabase } from '../../only-database.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { idOf } from './letter-selection.ts'
import { withLettersOf } from './letters-of.ts'

type EditOptions = ActOptions & ContentOptions & { readonly database?: string; readonly dryRun: boolean }

/** `backstitch dlq edit`: gives a dead letter another body or other headers, and has it handled again. */
export function addEditCommand(dlq: Command, io: CliIo): void {
  addActOptions(
    addContentOptions(
      dlq
        .command('edit')
        .description('give a dead letter another body or other headers, and handle it again in its place')
        .argument('<id>', 'the letter by its id', idOf),
    ),
  )
    .option('--dry-run', 'check it and tell what would change, and do nothing', false)
    .option('--database <name>', 'the database of the configuration, where it has several')
    .addHelpText(
      'after',
      `
What is handled is another message: it has a new id, and the old one as its causation-id. Its key, its topic and its place in the line of its key
stay. The audit trail keeps the message as it was and as it is, so what was wrong in the body stays there.

Examples:
  backstitch dlq show 42 --json | jq -r .body.text > body.json
  backstitch dlq edit 42 --payload-file body.json --reason 'the amount had a comma'
  backstitch dlq edit 42 --set-header tenant=eu --reason 'it was missing'`,
    )
    .action(async (id: string, options: EditOptions, command: Command) => {
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database, 'inbox')
      const { reason, dryRun } = options
      const change = await changeOf(options, io.folder)
      const edited = await withLettersOf(context, database, (operator) =>
        operator.edit(id, change, { reason, actor: actorOf(options.actor) }, { dryRun }),
      )
      context.print({ database: database.name, dryRun, ...edited }, page)
    })
}

function page({
  database,
  id,
  before,
  after,
  dryRun,
}: EditedLetter & { readonly database: string; readonly dryRun: boolean }): string {
  return (
    `${database}: letter ${id} ${dryRun ? 'would be edited' : 'is edited, and handled again'}\n` +
    `  message  ${before.messageId} -> ${after.messageId}\n` +
    `  body     ${sizeOf(before)} -> ${sizeOf(after)}\n` +
    `  headers  ${JSON.stringify(before.headers)} -> ${JSON.stringify(after.headers)}\n`
  )
}

function sizeOf({ body }: LetterContent): string {
  const bytes = bytesOf(body)
  return bytes === null ? 'none' : `${bytes.length} bytes`
}
