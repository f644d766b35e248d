/** A row of {@link readSteps}: the columns of the step are null in the only row where nothing is recorded. */
export type StepRow = {
  round: number | null
  direction: 'do' | 'undo' | null
  outcome: string
  /** Of the asked execution alone. */
  reply: string | null
  reply_binary: Buffer | null
  expired: boolean
}

/**
 * What is recorded of a step in all its rounds, at least one row, each with whether the command’s time is over.
 * `$1` saga id, `$2` step, `$3` round, `$4` direction, `$5` expiry in microseconds since 1970 or null.
 */
export function readSteps(schema: string): string {
  return `select s.round, s.direction, s.outcome, e.expired,
  case when s.round = $3 and s.direction = $4 then s.reply end as reply,
  case when s.round = $3 and s.direction = $4 then s.reply_binary end as reply_binary
from (select coalesce($5::bigint < extract(epoch from clock_timestamp()) * 1000000, false) as expired) as e
left join ${schema}.participant_step as s on s.saga_id = $1 and s.step = $2`
}

/** Whether a time is over. `$1` microseconds since 1970. */
export const isPast = `select $1::bigint < extract(epoch from clock_timestamp()) * 1000000 as past`
