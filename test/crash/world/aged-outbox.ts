import type pg from 'pg'

/** Just short of where the relay empties the other half of the checkpoints (a turn of 4,096 and 64 more). */
const checkpointNumber = 4_096 + 64 - 8
/** The migration lays out leaves for four million rows; the next one is made when less than one and a half are left. */
const lastSeq = 2_600_000

/**
 * Makes an outbox as it is after long use: its checkpoints and its leaves are about to need care. All before is published, and the last
 * owner has given it back.
 */
export async function ageOutbox(pool: pg.Pool): Promise<void> {
  await pool.query(`select setval(pg_get_serial_sequence('backstitch.outbox', 'seq'), $1)`, [lastSeq])
  await pool.query(
    `insert into backstitch.outbox_checkpoint (slot, shard, number, epoch, lease_until, previous, system_identifier, timeline)
     select number / 4096, 0, number, 1, clock_timestamp(), pg_current_snapshot(), s.system_identifier, c.timeline_id
     from unnest(array[4095, $1]::bigint[]) as number, pg_control_system() s, pg_control_checkpoint() c`,
    [checkpointNumber],
  )
}

/** Whether the relay has done what an aged outbox needs: the old checkpoints are gone, and the next leaf is there. */
export async function isCaredFor(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ old: boolean; leaf: boolean }>(
    `select exists (select from backstitch.outbox_checkpoint_0) as old, to_regclass('backstitch.outbox_4') is not null as leaf`,
  )
  return rows[0]?.old === false && rows[0].leaf
}
