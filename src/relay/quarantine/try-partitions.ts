import type { PublishFailure } from '../../transport/publisher.ts'
import type { Batch, BatchEntry } from '../publishing/batch-entry.ts'
import { batchesOf } from '../publishing/batches-of.ts'
import { type PublishMeans, type PublishOwner, publishInOrder } from '../publishing/publish-in-order.ts'
import { isUnsent } from '../publishing/publisher-lane.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'

/** After a try that took so long the partitions that are left have their turn later: somebody does not answer, and others wait. */
const slowMs = 500

/** A partition at which records failed alone, for no fault of theirs. */
type SickPartition = {
  readonly partition: number
  /** What is left of it, in order. */
  readonly left: Batch
  readonly failure: PublishFailure
}

/** Which partitions are at fault. */
export type PartitionsTried = {
  readonly sick: readonly SickPartition[]
  /** Whether something else got through meanwhile, or Kafka at least answers: else nothing is known of them. */
  readonly isKnown: boolean
  readonly isProven: boolean
}

/**
 * Publishes entries of one topic after trouble with some of them: one try at each partition by itself, so that those at fault show. Unlike where
 * new rows are published, nothing is tried twice: others wait meanwhile, and whatever is left has its turn again.
 *
 * @throws TenureEnded once the scope’s signal aborts
 */
export async function tryPartitions(
  entries: Batch,
  owner: Omit<PublishOwner, 'onTrouble'>,
  lanes: PublisherLanes,
  means: PublishMeans,
  deadlineShare: number,
): Promise<PartitionsTried> {
  const acknowledgedBefore = lanes.acknowledged
  const sick: SickPartition[] = []
  for (const [partition, part] of Map.groupBy(entries, ({ record }: BatchEntry) => record.partition)) {
    const startedAtMs = performance.now()
    await publishInOrder(
      batchesOf(part, lanes.batchSizeMax),
      {
        ...owner,
        onTrouble: (left, failure) => {
          sick.push({ partition, left, failure })
          return Promise.resolve()
        },
      },
      means,
      { deadlineShare, isEager: true },
    )
    if (performance.now() - startedAtMs >= slowMs) break
  }
  const isProven = lanes.acknowledged > acknowledgedBefore
  const wereSent = sick.every(({ failure }) => !isUnsent(failure))
  const isKnown =
    isProven || (sick.length > 0 && wereSent && (await means.lane.open(means.scope.signal)) === undefined)
  return { sick, isKnown, isProven }
}
