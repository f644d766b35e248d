import type pg from 'pg'

/** Just short of where the relay empties the other half of the checkpoints (a turn of 4,096 and 64 more). */
const checkpointNumber = 4_096 + 64 - 8
/** The migration lays out leaves for a million rows; two of them are left behind, so it is time to make others. */
const lastSeq = 600_000

/**
 * Makes an outbox as it is after long use: its checkpoints and its leaves are about to need care. All before is published, and the last
 * owner has given it back: a leaf that was left holds nothing but the pages of a transaction that was rolled back.
 */
export async function ageOutbox(pool: pg.Pool): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type) values ('tally', 'key-old', 'rolled.back')`,
    )
    await client.query('rollback')
  } finally {
    client.release()
  }
  await pool.query(`select setval(pg_get_serial_sequence('backstitch.outbox', 'seq'), $1)`, [lastSeq])
  await pool.query(
    `insert into backstitch.outbox_checkpoint (slot, shard, number, epoch, lease_until, previous, system_identifier, timeline)
     select number / 4096, 0, number, 1, clock_timestamp(), pg_current_snapshot(), s.system_identifier, c.timeline_id
     from unnest(array[4095, $1]::bigint[]) as number, pg_control_system() s, pg_control_checkpoint() c`,
    [checkpointNumber],
  )
  await pool.query(
    `insert into backstitch.outbox_replay (shard, requested_by, reason, seq_from, seq_to, position) values (0, 'test', 'to be interrupted', 1, $1::bigint, $1::bigint - 1500)`,
    [lastSeq + 1_000],
  )
}

/** Whether the relay has done what an aged outbox needs: old checkpoints and old leaves are gone, and there are new ones. */
export async function isCaredFor(pool: pg.Pool): Promise<boolean> {
  const { rows } = await pool.query<{ old: boolean; left: boolean; ahead: boolean }>(
    `select exists (select from backstitch.outbox_checkpoint_0) as old,
       to_regclass('backstitch.outbox_0') is not null or to_regclass('backstitch.outbox_1') is not null as left,
       to_regclass('backstitch.outbox_6') is not null
         and not exists (select from backstitch.outbox_replay where state <> 'completed') as ahead`,
  )
  const [row] = rows
  return row !== undefined && !row.old && !row.left && row.ahead
}
