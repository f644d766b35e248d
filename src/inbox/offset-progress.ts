import type { TestSignals } from '../kernel/test-signals.ts'
import type { ReceivedBatch } from '../transport/subscriber.ts'

/** Commits the offsets of one batch as its records are done. */
export type OffsetProgress = {
  /** Notes that everything up to this record is done; commits now and then. */
  done(offset: bigint): Promise<void>
  /** Commits what is done and not committed yet. */
  commit(): Promise<void>
  /** Whether the partition turned out to belong to another member. */
  readonly lost: boolean
}

/** A commit costs a round trip to the broker; what is not committed costs as many duplicates after a crash. */
const recordsMax = 200
const ageMsMax = 1_000

/** Makes an {@link OffsetProgress}. A commit that fails is made good by the next one: until then the inbox knows what was done. */
export function offsetProgress(
  batch: ReceivedBatch,
  options: { readonly signals: TestSignals; readonly kind: string; readonly nowMs: () => number },
): OffsetProgress {
  const { signals, kind, nowMs } = options
  let next: bigint | undefined
  let records = 0
  let sinceMs = nowMs()
  let lost = false

  const commit = async (): Promise<void> => {
    if (next === undefined || lost) return
    const offset = next
    next = undefined
    records = 0
    sinceMs = nowMs()
    await signals.reach(`${kind}.offsets.before`)
    const outcome = await batch.commit(offset)
    if (outcome === 'stale') lost = true
    if (outcome === 'failed') next ??= offset
    await signals.reach(`${kind}.offsets.after`)
  }
  return {
    done: async (offset) => {
      next = offset + 1n
      if (++records >= recordsMax || nowMs() - sinceMs >= ageMsMax) await commit()
    },
    commit,
    get lost() {
      return lost
    },
  }
}
