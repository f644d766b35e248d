import type { BatchHandler } from '../transport/subscriber.ts'

/** Handles the batches of all partitions that a member holds. */
export type GroupWorker = BatchHandler & {
  /** Why one of these partitions (`topic/partition`) does not go on, if so. */
  trouble(held: readonly string[]): string | undefined
}
