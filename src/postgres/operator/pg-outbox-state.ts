import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { OutboxState, ShardState } from '../../relay/operator/outbox-state.ts'
import type { BoundedCount } from '../../relay/operator/quarantine-entry.ts'
import { countParked, listParkedTopics, type ParkedCountRow } from '../queries/outbox-state/count-parked.ts'
import { countPending, countPendingOfWindow, type PendingRow } from '../queries/outbox-state/count-pending.ts'
import { countLeafRows, type LeafRow, readLeaves } from '../queries/outbox-state/read-leaves.ts'
import { readShards, type ShardRow } from '../queries/outbox-state/read-shards.ts'

/** Rows of anything are counted up to this. */
export const countedRowsMax = 10_000
const topicsMax = 100
/** What a look may cost the database, statement by statement. */
const statementMsMax = 10_000

/** Looks at an outbox. `schema` is quoted. */
export async function readOutboxState(tx: SqlExecutor, schema: string): Promise<OutboxState> {
  await tx.query(`set local statement_timeout = ${statementMsMax}`)
  const { rows: shards } = await tx.query<ShardRow>(readShards(schema))
  const states: ShardState[] = []
  for (const shard of shards) states.push(await shardState(tx, schema, shard))
  const parked = await one<ParkedCountRow>(tx, countParked(schema), [countedRowsMax + 1])
  const { rows: topics } = await tx.query<{ topic: string }>(listParkedTopics(schema), [topicsMax])
  const { rows: leaves } = await tx.query<LeafRow>(readLeaves, [`${schema}.outbox`])
  const standard = leaves.find(({ is_default: isDefault }) => isDefault)
  const stray =
    standard && (await one<{ rows: number }>(tx, countLeafRows(standard.place), [countedRowsMax + 1]))
  return {
    shards: states,
    quarantine: {
      rows: bounded(parked.rows),
      keys: bounded(parked.keys),
      topics: topics.map(({ topic }) => topic),
      ...(parked.oldest && { oldestParkedAt: parked.oldest }),
    },
    leaves: leaves.map(({ name, bounds, is_default: isDefault, bytes }) => ({
      name,
      bounds,
      isDefault,
      bytes,
    })),
    defaultLeafRows: bounded(stray?.rows ?? 0),
  }
}

async function shardState(tx: SqlExecutor, schema: string, row: ShardRow): Promise<ShardState> {
  const { shard, shards, previous, current, position, sequence_high: end } = row
  const values = [shard, shards, previous, countedRowsMax + 1]
  const pending = await (current === null
    ? one<PendingRow>(tx, countPending(schema), values)
    : one<PendingRow>(tx, countPendingOfWindow(schema), [...values, position]))
  return {
    shard,
    ...(row.owner !== null && { owner: row.owner }),
    leaseRemainingMs: row.owner === null ? 0 : Math.round(row.remaining_ms),
    epoch: row.epoch,
    ...(row.saved_at && { savedAt: row.saved_at }),
    pending: bounded(pending.rows),
    ...(pending.oldest && { oldestPendingAt: pending.oldest }),
    ...(current !== null && { window: { position: position ?? '0', end: end ?? '0' } }),
  }
}

/** Of what was counted up to one more than the limit. */
export function bounded(rows: number): BoundedCount {
  return { count: Math.min(rows, countedRowsMax), more: rows > countedRowsMax }
}

/** A statement that always returns one row. */
async function one<Row extends Record<string, unknown>>(
  tx: SqlExecutor,
  text: string,
  values: readonly unknown[],
): Promise<Row> {
  const { rows } = await tx.query<Row>(text, values)
  return rows[0] as Row
}
