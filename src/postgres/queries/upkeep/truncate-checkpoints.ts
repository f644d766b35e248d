/** Empties the checkpoints of a slot. */
export function truncateCheckpoints(schema: string, slot: 0 | 1): string {
  return `truncate ${schema}.outbox_checkpoint_${slot}`
}
