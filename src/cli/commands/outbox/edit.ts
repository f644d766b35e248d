import type { Command } from 'commander'
import type { EditedRow } from '../../../relay/operator/outbox-operator.ts'
import type { RowContent } from '../../../relay/operator/row-edit.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { addContentOptions, changeOf, type ContentOptions } from '../../content-options.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyDatabase } from '../../only-database.ts'
import { withOutboxOf } from './outbox-of.ts'
import { seqOf } from './row-selection.ts'

type EditOptions = ActOptions & ContentOptions & { readonly database?: string; readonly dryRun: boolean }

/** `backstitch outbox edit`: gives a parked row another body or other headers, and has its key retried. */
export function addEditCommand(outbox: Command, io: CliIo): void {
  addActOptions(
    addContentOptions(
      outbox
        .command('edit')
        .description(
          'give a parked row another body or other headers, and publish its key from its first row on',
        )
        .argument('<seq>', 'the row by its seq', seqOf),
    ),
  )
    .option('--dry-run', 'check it and tell what would change, and do nothing', false)
    .option('--database <name>', 'the database of the configuration, where it has several')
    .addHelpText(
      'after',
      `
The message that leaves is another one: it has a new id, and the old one as its causation-id. Its key and its topic stay. The audit trail keeps
the row as it was and as it is, so what was wrong in the body stays there.

Examples:
  backstitch outbox show 4711 --json | jq -r .body.text > body.json
  backstitch outbox edit 4711 --payload-file body.json --reason 'the attachment goes by reference'
  backstitch outbox edit 4711 --set-header tenant=eu --reason 'it was missing'`,
    )
    .action(async (seq: string, options: EditOptions, command: Command) => {
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database)
      const { reason, dryRun } = options
      const change = await changeOf(options, io.folder)
      const edited = await withOutboxOf(context, database, (operator) =>
        operator.edit(seq, change, { reason, actor: actorOf(options.actor) }, { dryRun }),
      )
      context.print({ database: database.name, dryRun, ...edited }, page)
    })
}

function page({
  database,
  seq,
  before,
  after,
  dryRun,
}: EditedRow & { database: string; dryRun: boolean }): string {
  return (
    `${database}: row ${seq} ${dryRun ? 'would be edited' : 'is edited, and its key retried'}\n` +
    `  id       ${before.id} -> ${after.id}\n` +
    `  body     ${sizeOf(before)} -> ${sizeOf(after)}\n` +
    `  headers  ${JSON.stringify(before.headers ?? {})} -> ${JSON.stringify(after.headers ?? {})}\n`
  )
}

function sizeOf({ payload, payloadBase64 }: RowContent): string {
  if (payload !== null) return `${Buffer.byteLength(payload)} bytes`
  return payloadBase64 === null ? 'none' : `${Buffer.from(payloadBase64, 'base64').length} bytes`
}
