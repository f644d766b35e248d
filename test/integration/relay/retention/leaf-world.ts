import { pgRelayDatabase } from '../../../../src/postgres/relay/pg-relay-database.ts'
import type { LeafSession } from '../../../../src/relay/upkeep/leaf-session.ts'
import { type RelayWorld, relayWorld } from '../relay-world.ts'

/** A {@link RelayWorld} in which leaves are looked at, and checkpoints made, without a relay. */
export type LeafWorld = RelayWorld & {
  /** The upkeep’s own session; it keeps rows for this long. */
  leaves(keepPublishedMs?: number): Promise<LeafSession>
  /** Moves the sequence, so that the next row has the `seq` after this one. */
  moveTo(seq: number): Promise<void>
  /** Appends a checkpoint: by default all that is visible now is published. */
  checkpoint(saved?: {
    readonly shard?: number
    readonly previous?: string
    readonly current?: string
    readonly position?: number
    readonly systemIdentifier?: string
  }): Promise<void>
  snapshot(): Promise<string>
  /** Names of the partitions. */
  names(): Promise<string[]>
  /** Bodies in a table. */
  bodiesIn(table: string): Promise<string[]>
}

/** Makes a {@link LeafWorld}. */
export async function leafWorld(): Promise<LeafWorld> {
  const world = await relayWorld()
  const { pool } = world
  const sessions: LeafSession[] = []
  let number = 0
  return {
    ...world,
    leaves: async (keepPublishedMs = 0) => {
      const session = await pgRelayDatabase(pool).openLeaves(keepPublishedMs)
      sessions.push(session)
      return session
    },
    moveTo: async (seq) => void (await pool.query(`select setval('backstitch.outbox_seq_seq', $1)`, [seq])),
    checkpoint: async ({ shard = 0, previous, current, position = 0, systemIdentifier } = {}) => {
      number++
      await pool.query(
        `insert into backstitch.outbox_checkpoint (slot, shard, number, epoch, lease_until, previous, current, position, system_identifier, timeline)
         select 0, $1, $2, 1, clock_timestamp(), coalesce($3::pg_snapshot, pg_current_snapshot()), $4::pg_snapshot, $5,
           coalesce($6::bigint, s.system_identifier), 1 from pg_control_system() s`,
        [shard, number, previous ?? null, current ?? null, position, systemIdentifier ?? null],
      )
    },
    snapshot: async () =>
      (await pool.query<{ s: string }>('select pg_current_snapshot()::text as s')).rows[0]?.s ?? '',
    names: async () => {
      const { rows } = await pool.query<{ name: string }>(
        `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'backstitch.outbox'::regclass order by 1`,
      )
      return rows.map(({ name }) => name)
    },
    bodiesIn: async (table) => {
      const { rows } = await pool.query<{ payload: string }>(
        `select payload from backstitch.${table} order by seq`,
      )
      return rows.map(({ payload }) => payload)
    },
    close: async () => {
      for (const session of sessions) session.close()
      await world.close()
    },
  }
}
