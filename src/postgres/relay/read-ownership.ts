import { BackstitchError } from '../../kernel/errors.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import { parseSnapshot } from '../../relay/source/snapshot.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { describeOwnership, type OwnershipRow, parkedMax } from '../queries/ownership/describe-ownership.ts'

/** What the checkpoints of all shards together say. */
export type Ownership = {
  /** Of the cluster that answers. */
  readonly server: string
  /** Of the cluster that the checkpoints were saved in; `undefined` when there are none. */
  readonly savedIn: string | undefined
  readonly shardCount: number
  readonly settledCount: number
  /** Quoted. */
  readonly sequence: string
  /** Rows in the quarantine, as many as are counted. */
  readonly parked: number
  readonly hasMoreParked: boolean
  /** Shards that have one. */
  readonly checkpoints: number
  /** The greatest number and epoch. */
  readonly number: bigint
  readonly epoch: bigint
  /** Up to which each shard is published. */
  readonly previous: readonly string[]
  readonly lowWater: string
  /** The least and the greatest of the values of the sequence. */
  readonly sequenceLow: string
  readonly sequenceHigh: string
  /** A checkpoint was saved in another cluster. */
  readonly isForeign: boolean
  /** A checkpoint knows transactions that this cluster has not seen. */
  readonly isAhead: boolean
  /** @throws `OUTBOX_OWNED` */
  assertFree(name: string): void
  /** @throws `OUTBOX_CHECKPOINT_FOREIGN`, `OUTBOX_CHECKPOINT_AHEAD` */
  assertOfThisCluster(name: string): void
}

/** Reads an {@link Ownership}. @throws `SCHEMA_MISSING`, `DATABASE_IS_STANDBY` */
export async function readOwnership(tx: SqlExecutor, schema: string): Promise<Ownership> {
  const table = `${schema}.outbox`
  const { rows } = await tx
    .query<OwnershipRow>(describeOwnership(schema), [table])
    .catch(explainSqlError(table))
  const [first] = rows
  if (!first) throw new BackstitchError('SCHEMA_MISSING', `${schema}.outbox_sharding is empty`)
  if (first.in_recovery) throw new BackstitchError('DATABASE_IS_STANDBY', table)
  const checkpoints = rows.filter(({ shard }) => shard !== null)
  const { xmax } = parseSnapshot(first.snapshot)
  const foreign = checkpoints.find(({ system_identifier }) => system_identifier !== first.server)
  const isAhead = checkpoints.some(
    ({ previous, current }) => parseSnapshot(current ?? previous ?? '').xmax > xmax,
  )
  const owner = checkpoints.find((row) => row.owner !== null)?.owner
  const bounds = (column: 'number' | 'epoch' | 'low_water' | 'sequence_high'): readonly [bigint, bigint] => {
    const values = checkpoints.map((row) => BigInt(row[column] ?? 0)).toSorted((a, b) => (a < b ? -1 : 1))
    return [values[0] ?? 0n, values.at(-1) ?? 0n]
  }
  return {
    server: first.server,
    savedIn: (foreign ?? checkpoints[0])?.system_identifier ?? undefined,
    shardCount: first.shard_count,
    settledCount: first.settled_count,
    sequence: first.sequence,
    parked: Math.min(Number(first.parked), parkedMax),
    hasMoreParked: Number(first.parked) > parkedMax,
    checkpoints: checkpoints.length,
    number: bounds('number')[1],
    epoch: bounds('epoch')[1],
    previous: checkpoints.map(({ previous }) => previous ?? ''),
    lowWater: String(bounds('low_water')[0]),
    sequenceLow: String(bounds('sequence_high')[0]),
    sequenceHigh: String(bounds('sequence_high')[1]),
    isForeign: foreign !== undefined,
    isAhead,
    assertFree: (name) => {
      if (typeof owner === 'string') throw new BackstitchError('OUTBOX_OWNED', `${name}: by ${owner}`)
    },
    assertOfThisCluster: (name) => {
      if (foreign)
        throw new BackstitchError(
          'OUTBOX_CHECKPOINT_FOREIGN',
          `${name}: saved in ${foreign.system_identifier}, this is ${first.server}`,
        )
      if (isAhead) throw new BackstitchError('OUTBOX_CHECKPOINT_AHEAD', `${name}: it is at ${first.snapshot}`)
    },
  }
}
