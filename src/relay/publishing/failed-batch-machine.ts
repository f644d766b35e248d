import type { OutgoingRecord, PublishFailure, PublishResult } from '../../transport/publisher.ts'
import { placeOf } from '../quarantine/parked.ts'
import type { Batch, BatchEntry } from './batch-entry.ts'

/** What is to be done after a batch was not acknowledged as a whole. */
export type FailedBatchStep =
  /** This very record can never be sent. */
  | { readonly kind: 'refused'; readonly entry: BatchEntry; readonly failure: PublishFailure }
  /** All these records are of one topic, which cannot be written to. */
  | {
      readonly kind: 'topic'
      readonly topic: string
      readonly batch: Batch
      readonly failure: PublishFailure
    }
  /** Send these in their order; what was acknowledged is not among them. */
  | { readonly kind: 'again'; readonly batches: readonly Batch[] }
  /** The failure says nothing about the records: Kafka, or a partition, has trouble. `batch` is what was not acknowledged. */
  | { readonly kind: 'trouble'; readonly batch: Batch; readonly failure: PublishFailure }

/**
 * Decides about a batch that failed. A failure of the record itself is believed of a batch of one record only, so a larger batch is parted
 * by partitions and then halved until the record stands alone; likewise a topic’s failure of a batch of one topic. All else is trouble.
 */
export function afterFailedBatch(
  batch: Batch,
  result: Exclude<PublishResult, { kind: 'acknowledged' }>,
): FailedBatchStep {
  const failures =
    result.kind === 'failed' ? batch.map(() => result.failure) : failuresInOrder(batch, result.failures)
  const left = result.kind === 'failed' ? batch : batch.filter((_, index) => result.failures.has(index))

  const ofTopic = failures.find(({ kind }) => kind === 'topic')
  if (ofTopic) {
    const parts = partsBy(left, ({ topic }) => topic)
    const [first] = left
    // believed only when nothing else was in the request
    if (parts.length > 1 || left.length < batch.length || !first) return { kind: 'again', batches: parts }
    return { kind: 'topic', topic: first.record.topic, batch: left, failure: ofTopic }
  }

  const ofRecord = failures.find(({ kind }) => kind === 'record')
  if (ofRecord) {
    const [first] = left
    if (batch.length === 1 && first) return { kind: 'refused', entry: first, failure: ofRecord }
    if (left.length === 1) return { kind: 'again', batches: [left] }
    // what else was written is acknowledged by the next try, each partition by itself, and not sent once more with each half
    const parts = partsBy(left, ({ topic, partition }) => placeOf(topic, partition))
    return { kind: 'again', batches: parts.length > 1 ? parts : halvesOf(left) }
  }
  return { kind: 'trouble', batch: left, failure: failures[0] ?? noFailure }
}

const noFailure: PublishFailure = { kind: 'unknown', reason: 'no record' }

function failuresInOrder(batch: Batch, failures: ReadonlyMap<number, PublishFailure>): PublishFailure[] {
  return batch.flatMap((_, index) => failures.get(index) ?? [])
}

function halvesOf(batch: Batch): Batch[] {
  const middle = Math.ceil(batch.length / 2)
  return [batch.slice(0, middle), batch.slice(middle)]
}

/** One batch a topic or partition. These have keys of their own, so the order within each key stays. */
function partsBy(batch: Batch, nameOf: (record: OutgoingRecord) => string): Batch[] {
  const parts = new Map<string, BatchEntry[]>()
  for (const entry of batch) {
    const name = nameOf(entry.record)
    const part = parts.get(name)
    if (part) part.push(entry)
    else parts.set(name, [entry])
  }
  return [...parts.values()]
}
