/** The database’s side of what the owner keeps in order beside publishing. Each call gives up quickly instead of waiting for a lock. */
export type UpkeepSession = {
  /** Empties the half of the checkpoints that is not in use. `false`: somebody holds it, we may not, or a shard has its newest
   * one there; another time. */
  truncateCheckpoints(slot: 0 | 1): Promise<boolean>
}
