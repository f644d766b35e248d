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
 * Decides about a batch that failed. A failure of the record itself is believed of a batch of one record only: a record that the driver names
 * among others goes alone at once, those before and after it in batches of theirs. Where nobody is named the batch is parted by partitions and
 * then halved until the record stands alone; likewise a topic’s failure is believed of a batch of one topic. All else is trouble.
 *
 * @param names whether the driver tells the outcome of a batch record by record (`perRecordOutcome`)
 */
export function afterFailedBatch(
  batch: Batch,
  result: Exclude<PublishResult, { kind: 'acknowledged' }>,
  names: boolean = false,
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
    const blamed = new Set(left.filter((_, index) => failures[index]?.kind === 'record'))
    // what else was written is acknowledged by the next try, each partition by itself, and not sent once more with each half
    const parts = partsBy(left, ({ topic, partition }) => placeOf(topic, partition))
    if (names && parts.some((part) => isNamed(part, blamed)))
      return { kind: 'again', batches: parts.flatMap((part) => runsAround(part, blamed)) }
    return { kind: 'again', batches: parts.length > 1 ? parts : halvesOf(left) }
  }
  return { kind: 'trouble', batch: left, failure: failures[0] ?? noFailure }
}

const noFailure: PublishFailure = { kind: 'unknown', reason: 'no record' }

function failuresInOrder(batch: Batch, failures: ReadonlyMap<number, PublishFailure>): PublishFailure[] {
  return batch.flatMap((_, index) => failures.get(index) ?? [])
}

/** Whether some records of a partition are blamed and some are not. Where all are, the answer was about their batch as a whole. */
function isNamed(part: Batch, blamed: ReadonlySet<BatchEntry>): boolean {
  const count = part.filter((entry) => blamed.has(entry)).length
  return count > 0 && count < part.length
}

/** The records of a partition in order: each one that is named by itself, the others in the runs between them. */
function runsAround(part: Batch, blamed: ReadonlySet<BatchEntry>): Batch[] {
  if (!isNamed(part, blamed)) return [part]
  const runs: BatchEntry[][] = []
  let run: BatchEntry[] | undefined
  for (const entry of part) {
    if (run && !blamed.has(entry)) run.push(entry)
    else {
      const next = [entry]
      runs.push(next)
      run = blamed.has(entry) ? undefined : next
    }
  }
  return runs
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
