import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { BackstitchError, reasonOf } from '../../../kernel/errors.ts'
import type { EditedRow } from '../../../relay/operator/outbox-operator.ts'
import type { RowContent } from '../../../relay/operator/row-edit.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyDatabase } from './only-database.ts'
import { withOutboxOf } from './outbox-of.ts'
import { seqOf } from './row-selection.ts'

type Headers = Readonly<Record<string, string | null>>

type EditOptions = ActOptions & {
  readonly database?: string
  readonly payloadFile?: string
  readonly tombstone?: boolean
  readonly setHeader?: Headers
  readonly removeHeader?: Headers
  readonly dryRun: boolean
}

/** `backstitch outbox edit`: gives a parked row another body or other headers, and has its key retried. */
export function addEditCommand(outbox: Command, io: CliIo): void {
  addActOptions(
    outbox
      .command('edit')
      .description(
        'give a parked row another body or other headers, and publish its key from its first row on',
      ),
  )
    .argument('<seq>', 'the row by its seq', seqOf)
    .option('--payload-file <file>', 'the whole new body')
    .option('--tombstone', 'no body any more: the record deletes its key from a compacted topic')
    .option('--set-header <name=value>', 'a header that is set; may be repeated', headerSet)
    .option('--remove-header <name>', 'a header that is removed; may be repeated', headerRemoved)
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
      const { payloadFile, tombstone, reason, dryRun } = options
      if (payloadFile !== undefined && tombstone === true)
        throw new BackstitchError('CONFIG_INVALID', '--payload-file and --tombstone: give one of the two')
      const body =
        tombstone === true ? null : payloadFile && (await bodyFrom(resolve(io.folder, payloadFile)))
      const headers = { ...options.removeHeader, ...options.setHeader }
      const change = { ...(body !== undefined && { body }), headers }
      const edited = await withOutboxOf(context, database, (operator) =>
        operator.edit(seq, change, { reason, actor: actorOf(options.actor) }, { dryRun }),
      )
      context.print({ database: database.name, dryRun, ...edited }, page)
    })
}

async function bodyFrom(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BackstitchError('CONFIG_INVALID', `--payload-file: ${reasonOf(cause)}`, { cause })
  }
}

function headerSet(text: string, before: Headers | undefined): Headers {
  const at = text.indexOf('=')
  if (at < 1) throw new InvalidArgumentError('It is <name>=<value>.')
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) }
}

function headerRemoved(name: string, before: Headers | undefined): Headers {
  return { ...before, [name]: null }
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
