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

/** The newest checkpoint of the shard `$1`: checkpoints are appended, and the newest counts. */
export function newestCheckpoint(schema: string): string {
  return `(select * from ${schema}.outbox_checkpoint where shard = $1::smallint order by number desc limit 1)`
}

/** The timeline that the server writes; a standby says the one of its last restart point. */
export const timelineOfServer = `case when pg_is_in_recovery() then (select timeline_id from pg_control_checkpoint())
  else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer end`
