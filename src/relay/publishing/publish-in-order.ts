import type { TestSignals } from '../../kernel/test-signals.ts'
import type { PublishFailure } from '../../transport/publisher.ts'
import type { Batch, BatchEntry } from './batch-entry.ts'
import { afterFailedBatch } from './failed-batch-machine.ts'
import type { PublishScope } from './publish-scope.ts'
import type { PublisherLane } from './publisher-lane.ts'
import { at } from '../source/outbox-tuple.ts'
import { TenureEnded } from './tenure-ended.ts'

/** What whoever publishes is asked and told on the way. */
export type PublishOwner = {
  /** The entries that may still be sent: without those whose key or topic was refused meanwhile. */
  stillWanted(batch: Batch): Batch
  onAcknowledged(batch: Batch): void
  /** The record can never be sent: from here on its key is blocked. */
  onRefused(entry: BatchEntry, failure: PublishFailure): void
  /** The topic cannot be written to: from here on it is blocked. `batch` was not sent. */
  onTopicFailure(topic: string, batch: Batch, failure: PublishFailure): Promise<void>
}

/**
 * Publishes batches one after the other until each record is acknowledged or blocked: no record leaves before all earlier ones of the batches
 * are settled. Failures that say nothing about the records are tried again without end; the lane makes the pauses.
 *
 * @throws TenureEnded once the scope’s signal aborts
 */
export async function publishInOrder(
  lane: PublisherLane,
  batches: readonly Batch[],
  owner: PublishOwner,
  scope: PublishScope,
  signals: TestSignals,
): Promise<void> {
  // the next batch is the last one: taking from the end of an array costs nothing
  const pending = batches.toReversed()
  for (let next = pending.pop(); next; next = pending.pop()) {
    if (scope.signal.aborted) throw new TenureEnded()
    const batch = owner.stillWanted(next)
    const [first] = batch
    if (!first) continue
    const oversize = batch.findIndex(({ row }) => typeof row[at.oversize] === 'string')
    if (oversize === 0) {
      const reason = `a body of ${first.row[at.oversize]} bytes is too large to be sent`
      owner.onRefused(first, { kind: 'record', reason })
      pending.push(batch.slice(1))
      continue
    }
    if (oversize > 0) {
      pending.push(batch.slice(oversize), batch.slice(0, oversize))
      continue
    }
    await signals.reach('relay.publish.before')
    const result = await lane.publish(
      batch.map(({ record }) => record),
      scope,
    )
    scope.heard?.()
    await signals.reach('relay.publish.after')
    if (result.kind === 'acknowledged') {
      owner.onAcknowledged(batch)
      continue
    }
    const step = afterFailedBatch(batch, result)
    if (step.kind === 'again') {
      const left = new Set(step.batches.flat())
      if (left.size < batch.length) owner.onAcknowledged(batch.filter((entry) => !left.has(entry)))
      pending.push(...step.batches.toReversed())
    } else if (step.kind === 'refused') owner.onRefused(step.entry, step.failure)
    else await owner.onTopicFailure(step.topic, step.batch, step.failure)
  }
}
