import { dealOut } from './group/deal-out.ts'
import { Tenure } from './group/tenure.ts'
import type { InMemoryLog } from './in-memory-log.ts'
import { settlesWithin } from './settles-within.ts'
import { settlePatienceMs } from './subscriber.ts'

/** What a group needs of a member. */
export type InMemoryMember = {
  readonly id: string
  readonly topics: readonly string[]
  /** Resolves when nothing is in hand. */
  settled(): Promise<void>
  /** Called with each new assignment, `topic/partition` each. */
  onAssigned(partitions: readonly string[], tenure: Tenure): void
}

/** A consumer group: who is in it, who reads what, and what was committed. */
export class InMemoryGroup {
  readonly #log: InMemoryLog
  readonly #members = new Map<string, InMemoryMember>()
  readonly #offsets = new Map<string, bigint>()
  #tenures: Tenure[] = []
  #isRebalancing = false
  #isDirty = false

  constructor(log: InMemoryLog) {
    this.#log = log
    log.onTopicsChanged(() => {
      for (const place of this.#offsets.keys()) {
        if (log.partitionCount(place.slice(0, place.lastIndexOf('/'))) === undefined)
          this.#offsets.delete(place)
      }
      if (this.#members.size > 0) this.#rebalance()
    })
  }

  join(member: InMemoryMember): void {
    this.#members.set(member.id, member)
    this.#rebalance()
  }

  leave(member: InMemoryMember): void {
    if (this.#members.delete(member.id)) this.#rebalance()
  }

  committed(place: string): bigint | undefined {
    return this.#offsets.get(place)
  }

  get members(): readonly string[] {
    return [...this.#members.keys()]
  }

  get isRebalancing(): boolean {
    return this.#isRebalancing
  }

  /** `topic/partition` of all that was committed. */
  get committedPlaces(): readonly string[] {
    return [...this.#offsets.keys()]
  }

  /** What an operator sets, while there are no members. */
  setOffset(place: string, nextOffset: bigint): void {
    this.#offsets.set(place, nextOffset)
  }

  commit(place: string, nextOffset: bigint, tenure: Tenure): 'committed' | 'stale' {
    if (tenure.isOver) return 'stale'
    this.#offsets.set(place, nextOffset)
    return 'committed'
  }

  #rebalance(): void {
    this.#isDirty = true
    if (!this.#isRebalancing) void this.#untilSettled()
  }

  /** As with Kafka’s eager protocol: all let go, then all is dealt out anew. */
  async #untilSettled(): Promise<void> {
    this.#isRebalancing = true
    while (this.#isDirty) {
      this.#isDirty = false
      for (const tenure of this.#tenures) tenure.windDown()
      const settling = [...this.#members.values()].map((member) => member.settled())
      await settlesWithin(Promise.all(settling), settlePatienceMs)
      for (const tenure of this.#tenures) tenure.end()
      this.#tenures = []
      if (!this.#isDirty) this.#deal()
    }
    this.#isRebalancing = false
  }

  #deal(): void {
    const exists = (topic: string): boolean => this.#log.partitionCount(topic) !== undefined
    // as with a real driver, a member whose topics are all missing does not join yet
    const members = [...this.#members.values()].filter(({ topics }) => topics.some(exists))
    const topics = new Set(members.flatMap((member) => member.topics.filter(exists)))
    const hands = dealOut(
      members.map(({ id, topics }) => ({ memberId: id, topics: new Set(topics) })),
      new Map([...topics].map((topic) => [topic, [...Array(this.#log.partitionCount(topic)).keys()]])),
    )
    for (const { memberId, assignment } of hands) {
      const tenure = new Tenure()
      this.#tenures.push(tenure)
      const places = Object.entries(assignment).flatMap(([topic, partitions]) =>
        partitions.map((partition) => `${topic}/${partition}`),
      )
      this.#members.get(memberId)?.onAssigned(places, tenure)
    }
  }
}
