import type { Command } from 'commander'
import type { QuarantinedMessage } from '../../../relay/operator/quarantine-entry.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { renderBody } from '../../output/render-body.ts'
import { cellOf, renderTable } from '../../output/render-table.ts'
import { onlyDatabase } from '../../only-database.ts'
import { withOutboxOf } from './outbox-of.ts'
import { seqOf } from './row-selection.ts'

/** `backstitch outbox show`: one parked row with everything of it. */
export function addShowCommand(outbox: Command, io: CliIo): void {
  outbox
    .command('show')
    .description(
      'one row of the quarantine: headers, body, why it is parked, what waits behind it, what was done to it',
    )
    .argument('<seq>', 'the row by its seq', seqOf)
    .option('--database <name>', 'the database of the configuration, where it has several')
    .addHelpText(
      'after',
      `
The body is printed as text where it is one, else its first bytes in hexadecimal; --json has the whole of it, bytes in base64.

Examples:
  backstitch outbox show 4711
  backstitch outbox show 4711 --json | jq -r .body.text > body.json`,
    )
    .action(async (seq: string, options: { database?: string }, command: Command) => {
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database)
      const message = await withOutboxOf(context, database, (operator) => operator.show(seq))
      context.print({ database: database.name, ...message }, page)
    })
}

function page(message: QuarantinedMessage & { readonly database: string }): string {
  const { intent, behind, waiting, history, headers, context } = message
  const facts = {
    database: message.database,
    seq: message.seq,
    topic: message.topic,
    key: message.key,
    id: message.id,
    type: `${message.type} v${message.version}`,
    created: message.createdAt,
    parked: message.parkedAt,
    code: message.code,
    reason: message.reason,
    'waits behind': behind,
    'behind it': `${waiting.count}${waiting.more ? '+' : ''} row(s) of its key`,
    intent: intent && `${intent.verb} by ${intent.actor}: ${intent.reason}`,
    'content type': message.contentType ?? 'application/json',
    bytes: message.bytes,
  }
  const lines = Object.entries(facts).map(([fact, value]) => `${`${fact}:`.padEnd(14)}${cellOf(value)}\n`)
  const headerRows = [...Object.entries(context), ...Object.entries(headers)].map(([header, value]) => ({
    header,
    value: typeof value === 'string' ? value : JSON.stringify(value),
  }))
  const sections = [
    headerRows.length > 0 ? renderTable(['header', 'value'], headerRows) : '',
    `BODY\n${renderBody(message.body)}\n`,
    history.length > 0
      ? renderTable(
          ['at', 'verb', 'target', 'actor', 'reason'],
          history.map(({ at, verb, target, actor, reason }) => ({
            at,
            verb,
            target: `${target.kind} ${target.id}`,
            actor: actor.id,
            reason,
          })),
        )
      : '',
  ]
  return [lines.join(''), ...sections.filter((section) => section !== '')].join('\n')
}
