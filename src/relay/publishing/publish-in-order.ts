import type { TestSignals } from '../../kernel/test-signals.ts'
import type { PublishFailure } from '../../transport/publisher.ts'
import { type OutboxTuple, at } from '../source/outbox-tuple.ts'
import type { Batch, BatchEntry } from './batch-entry.ts'
import { afterFailedBatch } from './failed-batch-machine.ts'
import type { PublishScope } from './publish-scope.ts'
import type { LanePublish, PublisherLane } from './publisher-lane.ts'
import { TenureEnded } from './tenure-ended.ts'

/** What whoever publishes is asked and told on the way. */
export type PublishOwner = {
  /** The entries that may still be sent: without those whose key, topic or partition is held back meanwhile. */
  stillWanted(batch: Batch): Batch
  onAcknowledged(batch: Batch): void
  /** The record can never be sent: from here on its key is blocked. */
  onRefused(entry: BatchEntry, failure: PublishFailure): void
  /** The topic cannot be written to, so from here on it is blocked; or `again`, when it is not the topic’s fault. `batch` was not sent. */
  onTopicFailure(topic: string, batch: Batch, failure: PublishFailure): Promise<'blocked' | 'again'>
  /** A failure that says nothing about the records. `left` is all that is not settled yet, in order: from here on it is the owner’s. */
  onTrouble(left: Batch, failure: PublishFailure): Promise<void>
}

/** What a publish is made with. */
export type PublishMeans = {
  readonly lane: PublisherLane
  readonly scope: PublishScope
  readonly signals: TestSignals
}

/** What is left of a batch after one try. */
export type PublishTry = {
  /** Not settled yet, in order. */
  readonly left: readonly Batch[]
  /** Why nothing more can be said about it. */
  readonly trouble?: PublishFailure
}

const settled: PublishTry = { left: [] }

/**
 * Publishes batches one after the other until each record is acknowledged or blocked: no record leaves before all earlier ones of the batches
 * are settled. With the first trouble all that is left goes to the owner.
 *
 * @throws TenureEnded once the scope’s signal aborts
 */
export async function publishInOrder(
  batches: readonly Batch[],
  owner: PublishOwner,
  means: PublishMeans,
  how?: LanePublish,
): Promise<void> {
  // the next batch is the last one: taking from the end of an array costs nothing
  const pending = batches.toReversed()
  for (let next = pending.pop(); next; next = pending.pop()) {
    const { left, trouble } = await publishOnce(next, owner, means, how)
    pending.push(...left.toReversed())
    if (trouble) return owner.onTrouble(pending.toReversed().flat(), trouble)
  }
}

/** Publishes one batch once. @throws TenureEnded once the scope’s signal aborts */
export async function publishOnce(
  next: Batch,
  owner: PublishOwner,
  { lane, scope, signals }: PublishMeans,
  how?: LanePublish,
): Promise<PublishTry> {
  if (scope.signal.aborted) throw new TenureEnded()
  const batch = owner.stillWanted(next)
  const [first] = batch
  if (!first) return settled
  const oversize = batch.findIndex(({ row }) => oversizeOf(row) !== null)
  if (oversize === 0) {
    const reason = `a body of ${oversizeOf(first.row)} bytes is too large to be sent`
    owner.onRefused(first, { kind: 'record', reason })
    return { left: [batch.slice(1)] }
  }
  if (oversize > 0) return { left: [batch.slice(0, oversize), batch.slice(oversize)] }
  await signals.reach('relay.publish.before')
  const result = await lane.publish(
    batch.map(({ record }) => record),
    scope,
    how,
  )
  scope.heard?.()
  await signals.reach('relay.publish.after')
  if (result.kind === 'acknowledged') {
    owner.onAcknowledged(batch)
    return settled
  }
  const step = afterFailedBatch(batch, result, lane.namesRecords)
  if (step.kind === 'refused') {
    owner.onRefused(step.entry, step.failure)
    return settled
  }
  const left = step.kind === 'again' ? step.batches : [step.batch]
  const unsettled = new Set(left.flat())
  if (unsettled.size < batch.length) owner.onAcknowledged(batch.filter((entry) => !unsettled.has(entry)))
  if (step.kind === 'again') return { left }
  if (step.kind === 'trouble') return { left, trouble: step.failure }
  return (await owner.onTopicFailure(step.topic, step.batch, step.failure)) === 'again' ? { left } : settled
}

/** Bytes of a body that is too large to be sent. */
function oversizeOf(row: OutboxTuple): string | null {
  return 'bytes' in row ? null : (row[at.oversize] ?? null)
}
