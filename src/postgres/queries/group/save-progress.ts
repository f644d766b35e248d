/**
 * Notes how far a group is, unless another member, or a rewind, came between.
 * `$1` group, `$2` committed, `$3` marks as JSON, `$4` marked at, `$5` passed at, `$6` when it was marked before.
 */
export function saveProgress(schema: string): string {
  return `update ${schema}.inbox_group
set committed = $2::jsonb, marks = $3::jsonb, marked_at = $4::timestamptz, passed_at = $5::timestamptz, seen_at = clock_timestamp()
where consumer_group = $1 and marked_at is not distinct from $6::timestamptz`
}
