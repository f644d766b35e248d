import type { Command } from 'commander'
import type { QuarantineEntry } from '../../../relay/quarantine/outbox-operator.ts'
import { chooseDatabases } from '../../../runtime/from-config/choose-databases.ts'
import { createOutboxOperator } from '../../../runtime/outbox-operator.ts'
import type { CliIo } from '../../cli-io.ts'
import { type CommandContext, commandContext, listOf } from '../../command-context.ts'
import { limitOf } from '../../operator-options.ts'
import { renderTable } from '../../output/render-table.ts'

type ListOptions = {
  readonly database?: readonly string[]
  readonly topic?: string
  readonly key?: string
  readonly limit: number
}

/** A row of the quarantine, and whose. */
type ListedRow = QuarantineEntry & { readonly database: string }

/** `backstitch outbox list`: the rows that could not be published, and those that wait behind them. */
export function addListCommand(outbox: Command, io: CliIo): void {
  outbox
    .command('list')
    .description('the rows in the quarantine, the oldest first')
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .option('--topic <topic>', 'only those for this topic')
    .option('--key <key>', 'only those with this key')
    .option('--limit <number>', 'how many at most, of each database', limitOf, 100)
    .addHelpText('after', '\nExample:\n  backstitch outbox list --topic outbox.event.order')
    .action(async (options: ListOptions, command: Command) => {
      const context = await commandContext(io, command)
      context.print(await list(context, options), listedTable)
    })
}

async function list({ config, withPool }: CommandContext, options: ListOptions): Promise<ListedRow[]> {
  const { topic, key, limit } = options
  const rows: ListedRow[] = []
  for (const database of chooseDatabases(config, { names: options.database, part: 'outbox' })) {
    const entries = await withPool(database, (pool) =>
      createOutboxOperator({ database: pool, schema: database.schema }).list({
        limit,
        ...(topic !== undefined && { topic }),
        ...(key !== undefined && { key }),
      }),
    )
    rows.push(...entries.map((entry) => ({ database: database.name, ...entry })))
  }
  return rows
}

function listedTable(rows: readonly ListedRow[]): string {
  return renderTable(
    ['database', 'seq', 'topic', 'key', 'type', 'bytes', 'code', 'parked', 'intent', 'reason'],
    rows.map(({ parkedAt, intent, version, type, ...row }) => ({
      ...row,
      type: `${type} v${version}`,
      parked: parkedAt,
      intent: intent && `${intent.verb} by ${intent.actor}: ${intent.reason}`,
    })),
  )
}
