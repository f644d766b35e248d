import type { Command } from 'commander'
import type { OutboxState } from '../../../relay/operator/outbox-state.ts'
import type { BoundedCount } from '../../../relay/operator/quarantine-entry.ts'
import { chooseDatabases } from '../../../runtime/from-config/choose-databases.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext, listOf } from '../../command-context.ts'
import { renderTable } from '../../output/render-table.ts'
import { withOutboxOf } from './outbox-of.ts'

/** An outbox, and whose. */
type NamedState = OutboxState & { readonly database: string }

/** `backstitch outbox status`: how far the outboxes are, and what is parked. */
export function addStatusCommand(outbox: Command, io: CliIo): void {
  outbox
    .command('status')
    .description('who owns each outbox and how far it is, what is parked, and its leaves')
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .addHelpText(
      'after',
      `
Rows are counted up to 10,000; a plus behind a number says that there are more. Parked rows are not among the pending ones.

Example:
  backstitch outbox status --json`,
    )
    .action(async (options: { database?: readonly string[] }, command: Command) => {
      const context = await commandContext(io, command)
      const states: NamedState[] = []
      for (const database of chooseDatabases(context.config, { names: options.database, part: 'outbox' })) {
        const state = await withOutboxOf(context, database, (operator) => operator.status())
        states.push({ database: database.name, ...state })
      }
      context.print(states, (all) => all.map(page).join('\n'))
    })
}

function page({ database, shards, quarantine, leaves, defaultLeafRows }: NamedState): string {
  const { rows, keys, topics, oldestParkedAt } = quarantine
  const owners = renderTable(
    ['database', 'shard', 'owner', 'lease', 'epoch', 'pending', 'oldest', 'window'],
    shards.map((shard) => ({
      database,
      shard: shard.shard,
      owner: shard.owner,
      lease: shard.owner === undefined ? undefined : `${shard.leaseRemainingMs} ms`,
      epoch: shard.epoch,
      pending: counted(shard.pending),
      oldest: shard.oldestPendingAt,
      window: shard.window && `${shard.window.position} of ${shard.window.end}`,
    })),
  )
  const parked =
    rows.count === 0
      ? 'nothing is parked\n'
      : `parked: ${counted(rows)} row(s), ${counted(keys)} key(s) behind a refused row, since ${oldestParkedAt?.toISOString() ?? '-'}, for ${topics.join(', ')}\n`
  const bytes = leaves.reduce((sum, leaf) => sum + leaf.bytes, 0)
  const standard =
    defaultLeafRows.count === 0
      ? 'none in the default one'
      : `${counted(defaultLeafRows)} row(s) in the DEFAULT one`
  return `${owners}${parked}leaves: ${leaves.length}, ${megabytes(bytes)} in all, ${standard}\n`
}

function counted({ count, more }: BoundedCount): string {
  return `${count}${more ? '+' : ''}`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_000_000).toFixed(1)} MB`
}
