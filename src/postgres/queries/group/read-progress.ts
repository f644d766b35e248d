import type { PartitionOffsets } from '../../../inbox/groups/progress-machine.ts'

/** How far a group was when it was last looked at, and what time it is. `$1` group. Returns {@link ProgressRow}. */
export function readProgress(schema: string): string {
  return `select committed, marks, marked_at::text, passed_at::text, clock_timestamp()::text as now
from ${schema}.inbox_group where consumer_group = $1`
}

/** A row of {@link readProgress}; times are texts, so that they lose nothing on their way. */
export type ProgressRow = {
  readonly committed: PartitionOffsets
  readonly marks: PartitionOffsets
  readonly marked_at: string | null
  readonly passed_at: string
  readonly now: string
}
