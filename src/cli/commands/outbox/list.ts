import { type Command, Option } from 'commander'
import { type Duration, durationMs } from '../../../kernel/duration.ts'
import type { ErrorCode } from '../../../kernel/error-catalogue.ts'
import type { QuarantineEntry } from '../../../relay/operator/quarantine-entry.ts'
import { chooseDatabases } from '../../../runtime/from-config/choose-databases.ts'
import type { CliIo } from '../../cli-io.ts'
import { type CommandContext, commandContext, listOf } from '../../command-context.ts'
import { limitOf } from '../../operator-options.ts'
import { renderTable } from '../../output/render-table.ts'
import { withOutboxOf } from './outbox-of.ts'
import { seqOf } from './row-selection.ts'

type ListOptions = {
  readonly database?: readonly string[]
  readonly topic?: string
  readonly key?: string
  readonly code?: ErrorCode
  readonly parkedFor?: Duration
  readonly after?: string
  readonly limit: number
}

/** A row of the quarantine, and whose. */
type ListedRow = QuarantineEntry & { readonly database: string }

const codes: readonly ErrorCode[] = [
  'OUTBOX_RECORD_REFUSED',
  'OUTBOX_KEY_PARKED',
  'OUTBOX_TOPIC_UNKNOWN',
  'OUTBOX_PARTITION_HELD',
]

/** `backstitch outbox list`: the rows that could not be published, and those that wait behind them. */
export function addListCommand(outbox: Command, io: CliIo): void {
  outbox
    .command('list')
    .description('the rows in the quarantine, the oldest first')
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .option('--topic <topic>', 'only those for this topic')
    .option('--key <key>', 'only those with this key')
    .addOption(new Option('--code <code>', 'only those that are parked for this reason').choices(codes))
    .option('--parked-for <duration>', 'only those that have been parked for so long, such as 10m')
    .option('--after <seq>', 'only those behind this one: the next page', seqOf)
    .option('--limit <number>', 'how many at most, of each database', limitOf, 100)
    .addHelpText(
      'after',
      `
Examples:
  backstitch outbox list --topic outbox.event.order
  backstitch outbox list --code OUTBOX_RECORD_REFUSED --parked-for 1h --json`,
    )
    .action(async (options: ListOptions, command: Command) => {
      const context = await commandContext(io, command)
      context.print(await list(context, options), listedTable)
    })
}

async function list(context: CommandContext, options: ListOptions): Promise<ListedRow[]> {
  const { topic, key, code, parkedFor, after, limit } = options
  const filter = {
    limit,
    ...(topic !== undefined && { topic }),
    ...(key !== undefined && { key }),
    ...(code !== undefined && { code }),
    ...(parkedFor !== undefined && { parkedForMs: durationMs(parkedFor) }),
    ...(after !== undefined && { afterSeq: after }),
  }
  const rows: ListedRow[] = []
  for (const database of chooseDatabases(context.config, { names: options.database, part: 'outbox' })) {
    const entries = await withOutboxOf(context, database, (operator) => operator.list(filter))
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
