import type { Command } from 'commander'
import type { ShownLetter } from '../../../inbox/letters/operator/letter-entry.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { onlyDatabase } from '../../only-database.ts'
import { renderBody, renderBytes } from '../../output/render-body.ts'
import { cellOf, renderTable } from '../../output/render-table.ts'
import { idOf } from './letter-selection.ts'
import { withLettersOf } from './letters-of.ts'
import { stateOf } from './list.ts'

/** `backstitch dlq show`: one dead letter with everything of it. */
export function addShowCommand(dlq: Command, io: CliIo): void {
  dlq
    .command('show')
    .description(
      'one dead letter: headers, body, why it is there, the stack, what waits behind it, what was done to it',
    )
    .argument('<id>', 'the letter by its id', idOf)
    .option('--database <name>', 'the database of the configuration, where it has several')
    .addHelpText(
      'after',
      `
The body is printed as text where it is one, else its first bytes in hexadecimal; --json has the whole of it, bytes in base64.

Examples:
  backstitch dlq show 42
  backstitch dlq show 42 --json | jq -r .body.text > body.json`,
    )
    .action(async (id: string, options: { database?: string }, command: Command) => {
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database, 'inbox')
      const letter = await withLettersOf(context, database, (operator) => operator.show(id))
      context.print({ database: database.name, ...letter }, page)
    })
}

function page(letter: ShownLetter & { readonly database: string }): string {
  const { headers, history, stack, waiting } = letter
  const facts = {
    database: letter.database,
    id: letter.id,
    group: letter.group,
    topic: letter.topic,
    place: `partition ${letter.partition}, offset ${letter.offset}`,
    key: renderBytes(letter.key),
    message: letter.messageId,
    type: letter.type,
    published: letter.timestampMs < 0 ? undefined : new Date(letter.timestampMs),
    since: letter.deadAt,
    code: letter.code,
    reason: letter.reason,
    tries: letter.attempts,
    state: stateOf(letter),
    due: letter.dueAt,
    'waits behind': letter.behind,
    'behind it':
      letter.order === 'key' ? `${waiting.count}${waiting.more ? '+' : ''} letter(s) of its key` : undefined,
    bytes: letter.bytes,
  }
  const lines = Object.entries(facts).map(([fact, value]) => `${`${fact}:`.padEnd(14)}${cellOf(value)}\n`)
  const sections = [
    headers.length === 0
      ? ''
      : renderTable(
          ['header', 'value'],
          headers.map(({ name, text, base64 }) => ({
            header: name,
            value: text ?? (base64 === undefined ? undefined : renderBytes({ base64 })),
          })),
        ),
    `BODY\n${renderBody(letter.body)}\n`,
    stack === undefined ? '' : `STACK\n${renderBody({ text: stack })}\n`,
    history.length === 0
      ? ''
      : renderTable(
          ['at', 'verb', 'actor', 'reason'],
          history.map(({ at, verb, actor, reason }) => ({ at, verb, actor: actor.id, reason })),
        ),
  ]
  return [lines.join(''), ...sections.filter((section) => section !== '')].join('\n')
}
