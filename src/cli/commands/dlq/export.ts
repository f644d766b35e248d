import type { Command } from 'commander'
import { letterLine } from '../../../inbox/letters/operator/letter-line.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { onlyDatabase } from '../../only-database.ts'
import { limitOf } from '../../operator-options.ts'
import { addFilterOptions, filterOf, type FilterOptions, idOf } from './letter-selection.ts'
import { withLettersOf } from './letters-of.ts'

type ExportOptions = FilterOptions & {
  readonly database?: string
  readonly after?: string
  readonly limit?: number
}

/** A letter has a megabyte at most. */
const pageSize = 50

/** `backstitch dlq export`: dead letters with everything of them, one line of JSON each. */
export function addExportCommand(dlq: Command, io: CliIo): void {
  addFilterOptions(
    dlq.command('export').description('print dead letters with everything of them, a line of JSON each'),
  )
    .option('--database <name>', 'the database of the configuration, where it has several')
    .option('--after <id>', 'only those behind this one', idOf)
    .option('--limit <number>', 'how many at most (default: all)', limitOf)
    .addHelpText(
      'after',
      `
Keys, headers and bodies are {"text"} where they are text in UTF-8, else {"base64"}: the same bytes again. In code, readLetterLine reads a line.

Examples:
  backstitch dlq export --group billing > letters.jsonl
  backstitch dlq export --code MESSAGE_MALFORMED | jq -r .body.text`,
    )
    .action(async (options: ExportOptions, command: Command) => {
      const context = await commandContext(io, command)
      const database = onlyDatabase(context.config, options.database, 'inbox')
      const { limit = Number.POSITIVE_INFINITY } = options
      await withLettersOf(context, database, async (operator) => {
        let afterId = options.after ?? '0'
        for (let left = limit; left > 0; ) {
          const page = { ...filterOf(options), afterId, limit: Math.min(left, pageSize) }
          const letters = await operator.export(page)
          for (const letter of letters) io.out(`${letterLine(letter)}\n`)
          const last = letters.at(-1)
          if (last === undefined || letters.length < page.limit) return
          afterId = last.id
          left -= letters.length
        }
      })
    })
}
