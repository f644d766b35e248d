import type { PublishFailure } from '../../transport/publisher.ts'
import { placeOf } from '../quarantine/parked.ts'
import type { Batch, BatchEntry } from './batch-entry.ts'
import { batchesOf } from './batches-of.ts'
import { type PublishMeans, type PublishOwner, publishOnce } from './publish-in-order.ts'
import { isUnsent } from './publisher-lane.ts'
import type { PublisherLanes } from './publisher-lanes.ts'

/** A try that takes so long is not made twice before others are preferred: somebody does not answer. */
const slowMs = 500

/** The first try at each partition ends sooner, so that one that hangs holds up the others less. A later one has all the time there is. */
const firstTryShare = 1 / 3

/** What publishing apart needs beside the usual. */
export type ApartOwner = PublishOwner & {
  /**
   * The partition cannot be written to and others can, so from here on it is held back; `batch` is what is left of it.
   * @param isProven whether something else got through meanwhile; else Kafka merely answers
   * @returns false when it must not be held back
   */
  onSick(topic: string, partition: number, batch: Batch, failure: PublishFailure, isProven: boolean): boolean
}

/** What is left for one partition. */
type Queue = {
  readonly topic: string
  readonly partition: number
  pending: Batch[]
  /** Tries that failed without a word about the records. */
  failures: number
}

/**
 * Publishes entries after trouble with some of them, the partitions each by itself and in turns: whatever can be written is written, and
 * acknowledged once and for all, while what fails *alone* shows which partition is at fault. Such a partition is handed over to be held back,
 * as soon as it is certain that others can be written to, or at least that Kafka answers. While nothing gets through at all there is nobody
 * to hold back for, and everything is tried again without end; the lane makes the pauses.
 *
 * @throws TenureEnded once the scope’s signal aborts
 */
export async function publishApart(
  entries: Batch,
  owner: ApartOwner,
  lanes: PublisherLanes,
  means: PublishMeans,
): Promise<void> {
  const acknowledgedBefore = lanes.acknowledged
  let queues = queuesOf(entries, lanes.batchSizeMax)
  for (let round = 0; queues.length > 0; round++) {
    const left: Queue[] = []
    for (const [index, queue] of queues.entries()) {
      const startedAtMs = performance.now()
      const trouble = await publishQueue(queue, owner, means, round === 0 || index > 0)
      if (!trouble) continue
      if (!isUnsent(trouble)) queue.failures++
      const isProven = lanes.acknowledged > acknowledgedBefore
      const isSick =
        queue.failures >= 2
          ? isProven || (await means.lane.open(means.scope.signal)) === undefined
          : isProven && queue.failures > 0 && performance.now() - startedAtMs >= slowMs
      const { topic, partition, pending } = queue
      if (isSick && owner.onSick(topic, partition, pending.flat(), trouble, isProven))
        means.lane.forgetTrouble()
      else left.push(queue)
    }
    queues = left
  }
}

/** Publishes what is left of one partition, up to its end or the first trouble. */
async function publishQueue(
  queue: Queue,
  owner: ApartOwner,
  means: PublishMeans,
  isEager: boolean,
): Promise<PublishFailure | undefined> {
  for (let next = queue.pending.shift(); next; next = queue.pending.shift()) {
    const { left, trouble } = await publishOnce(next, owner, means, {
      isEager,
      ...(queue.failures === 0 && { deadlineShare: firstTryShare }),
    })
    queue.pending.unshift(...left)
    if (trouble) return trouble
    queue.failures = 0
  }
  return undefined
}

function queuesOf(entries: Batch, batchSizeMax: number): Queue[] {
  const byPlace = new Map<string, BatchEntry[]>()
  for (const entry of entries) {
    const place = placeOf(entry.record.topic, entry.record.partition)
    const queue = byPlace.get(place)
    if (queue) queue.push(entry)
    else byPlace.set(place, [entry])
  }
  return [...byPlace.values()].flatMap((queue) => {
    const [first] = queue
    if (!first) return []
    const { topic, partition } = first.record
    return { topic, partition, pending: batchesOf(queue, batchSizeMax), failures: 0 }
  })
}
