/** What is read of a checkpoint, in this order. */
export const checkpointColumns = [
  'number',
  'epoch',
  'previous',
  'current',
  'position',
  'walk_from',
  'low_water',
  'sequence_high',
  'system_identifier',
  'timeline',
] as const

/**
 * The newest checkpoint of a shard: checkpoints are appended, and the newest counts.
 * @param shard an expression; by default the first parameter
 */
export function newestCheckpoint(schema: string, shard: string = '$1::smallint'): string {
  return `(select * from ${schema}.outbox_checkpoint where shard = ${shard} order by number desc limit 1)`
}

/** The timeline that the server writes; a standby says the one of its last restart point. */
export const timelineOfServer = `case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
  else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer end`
