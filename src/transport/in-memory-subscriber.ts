import { systemClock } from '../kernel/clock.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { BatchLanes } from './group/batch-lanes.ts'
import { settled } from './group/settled.ts'
import type { Tenure } from './group/tenure.ts'
import type { InMemoryGroup, InMemoryMember } from './in-memory-group.ts'
import type { InMemoryLog } from './in-memory-log.ts'
import { settlesWithin } from './settles-within.ts'
import type { BatchHandler, BatchResult, Subscriber, SubscriberOptions } from './subscriber.ts'

/** Records of one batch at most, as a fetch of Kafka’s default size gives them. */
const batchSizeMax = 1_000

/** A handler that throws is tried again after this long. */
const afterThrowMs = 1_000

/** A member of an in-memory group. Each of its partitions is read by a loop of its own, which waits for records without polling. */
export class InMemorySubscriber implements Subscriber {
  readonly #log: InMemoryLog
  readonly #group: InMemoryGroup
  readonly #member: InMemoryMember
  readonly #lanes: BatchLanes
  #handler: BatchHandler | undefined
  #assigned = Promise.withResolvers<void>()
  #tenure: Tenure | undefined
  #assignment: readonly string[] = []

  constructor(log: InMemoryLog, group: InMemoryGroup, id: string, options: SubscriberOptions) {
    this.#log = log
    this.#group = group
    this.#lanes = new BatchLanes(options.partitionsConcurrentMax ?? 4)
    this.#member = {
      id,
      topics: options.topics,
      settled: async () => {
        if (this.#tenure !== undefined) await settled(this.#lanes, this.#handler)
      },
      onAssigned: (places, tenure) => this.#begin(places, tenure),
    }
  }

  assignment(): readonly string[] {
    return this.#tenure === undefined || this.#tenure.isOver ? [] : this.#assignment
  }

  async run(handler: BatchHandler): Promise<void> {
    if (this.#handler !== undefined)
      throw new BackstitchError('CONFIG_INVALID', 'this subscriber runs already')
    this.#handler = handler
    this.#assigned = Promise.withResolvers<void>()
    this.#group.join(this.#member)
    await this.#assigned.promise
  }

  async stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#tenure?.windDown()
    await settlesWithin(settled(this.#lanes, this.#handler), options.graceMs ?? 5_000)
    this.#tenure?.end()
    this.#tenure = undefined
    this.#group.leave(this.#member)
    this.#handler = undefined
    this.#assigned.resolve()
  }

  #begin(places: readonly string[], tenure: Tenure): void {
    this.#tenure = tenure
    this.#assignment = places.toSorted()
    for (const place of places) void this.#read(place, tenure)
    this.#assigned.resolve()
  }

  async #read(place: string, tenure: Tenure): Promise<void> {
    const [topic, partition] = split(place)
    let position = this.#group.committed(place) ?? 0n
    while (!tenure.signal.aborted) {
      const records = await this.#log.read(topic, partition, position, batchSizeMax, tenure.signal)
      await this.#lanes.busy(place) // a batch of a tenure before
      const handler = this.#handler
      if (tenure.signal.aborted || handler === undefined) return
      const result = await this.#lanes
        .run(place, () =>
          tenure.signal.aborted
            ? Promise.resolve<BatchResult>({ kind: 'stop' })
            : handler.onBatch({
                topic,
                partition,
                records,
                highWatermark: this.#log.endOffsets(topic)[partition] ?? 0n,
                signal: tenure.signal,
                commit: async (nextOffset) => this.#group.commit(place, nextOffset, tenure),
              }),
        )
        .catch((): BatchResult => ({ kind: 'retryAfter', retryAfterMs: afterThrowMs, nextOffset: position }))
      if (result.kind === 'stop') return
      if (result.kind === 'done') {
        position += BigInt(records.length)
        if (result.pauseUntil !== undefined) await tenure.waitFor(result.pauseUntil)
      } else {
        position = result.nextOffset
        await systemClock.pause(result.retryAfterMs, tenure.signal)
      }
    }
  }
}

function split(place: string): [topic: string, partition: number] {
  const at = place.lastIndexOf('/')
  return [place.slice(0, at), Number(place.slice(at + 1))]
}
