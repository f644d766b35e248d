import type { Command } from 'commander'
import type { LetterEntry } from '../../../inbox/letters/operator/letter-entry.ts'
import { chooseDatabases } from '../../../runtime/from-config/choose-databases.ts'
import type { CliIo } from '../../cli-io.ts'
import { type CommandContext, commandContext, listOf } from '../../command-context.ts'
import { limitOf } from '../../operator-options.ts'
import { renderBytes } from '../../output/render-body.ts'
import { renderTable } from '../../output/render-table.ts'
import { addFilterOptions, filterOf, type FilterOptions, idOf } from './letter-selection.ts'
import { withLettersOf } from './letters-of.ts'

type ListOptions = FilterOptions & {
  readonly database?: readonly string[]
  readonly after?: string
  readonly limit: number
}

/** A letter, and whose. */
type ListedLetter = LetterEntry & { readonly database: string }

/** `backstitch dlq list`: the messages that could not be handled, and those that wait behind them. */
export function addListCommand(dlq: Command, io: CliIo): void {
  addFilterOptions(dlq.command('list').description('the dead letters, the oldest first'))
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .option('--after <id>', 'only those behind this one: the next page', idOf)
    .option('--limit <number>', 'how many at most, of each database', limitOf, 100)
    .addHelpText(
      'after',
      `
A letter in the line of its key is its head, or waits behind another one.

Examples:
  backstitch dlq list --group billing
  backstitch dlq list --code HANDLER_FAILED --dead-for 1h --json`,
    )
    .action(async (options: ListOptions, command: Command) => {
      const context = await commandContext(io, command)
      context.print(await list(context, options), listedTable)
    })
}

async function list(context: CommandContext, options: ListOptions): Promise<ListedLetter[]> {
  const { after, limit } = options
  const filter = { ...filterOf(options), limit, ...(after !== undefined && { afterId: after }) }
  const letters: ListedLetter[] = []
  for (const database of chooseDatabases(context.config, { names: options.database, part: 'inbox' })) {
    const entries = await withLettersOf(context, database, (operator) => operator.list(filter))
    letters.push(...entries.map((entry) => ({ database: database.name, ...entry })))
  }
  return letters
}

function listedTable(letters: readonly ListedLetter[]): string {
  return renderTable(
    ['database', 'id', 'group', 'topic', 'key', 'type', 'bytes', 'tries', 'code', 'since', 'state', 'reason'],
    letters.map(({ key, attempts, deadAt, ...letter }) => ({
      ...letter,
      key: renderBytes(key),
      tries: attempts,
      since: deadAt,
      state: stateOf(letter),
    })),
  )
}

/** In a word or two: what becomes of the letter. */
export function stateOf({ state, isHead, order }: Pick<LetterEntry, 'state' | 'isHead' | 'order'>): string {
  if (order === 'key' && !isHead) return `${state}, behind`
  return state
}
