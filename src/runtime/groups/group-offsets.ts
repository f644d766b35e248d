import type { RewindPartition, RewoundPartition } from '../../inbox/groups/rewind-plan-machine.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { GroupDescription, TransportAdmin } from '../../transport/admin.ts'

/** Where a group is to go on. */
export type RewindTarget =
  | { readonly kind: 'earliest'; readonly topics?: readonly string[] }
  /** The first record published at that time or later. */
  | { readonly kind: 'time'; readonly timeMs: number; readonly topics?: readonly string[] }
  /** Partitions that are not named stay where they are. */
  | {
      readonly kind: 'offsets'
      readonly offsets: readonly {
        readonly topic: string
        readonly partition: number
        readonly offset: bigint
      }[]
    }

/** A partition of a group’s topic. */
export type PartitionState = {
  readonly topic: string
  readonly partition: number
  readonly begin: bigint
  readonly end: bigint
  readonly committed: bigint | undefined
  /** Records that it has not committed; where some are compacted away, at most so many. */
  readonly lag: bigint
}

/** What the verbs of groups want of the brokers. */
export class GroupOffsets {
  readonly #admin: TransportAdmin

  constructor(admin: TransportAdmin) {
    this.#admin = admin
  }

  /** @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED` */
  stateOf(group: string): Promise<GroupDescription> {
    return this.#admin.describeGroup(group)
  }

  /** @throws `GROUP_IN_USE` */
  async assertWithoutMembers(group: string): Promise<void> {
    const { state, members } = await this.#admin.describeGroup(group)
    if (members.length === 0 && (state === 'absent' || state === 'empty')) return
    const names = members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', ')
    throw new BackstitchError('GROUP_IN_USE', `${group} has ${members.length} member(s): ${names || state}`)
  }

  async partitionsOf(group: string, topics: readonly string[]): Promise<readonly PartitionState[]> {
    const ofTopics = await Promise.all(topics.map((topic) => this.#ofTopic(group, topic)))
    return ofTopics.flat()
  }

  /** The partitions of the topics, and where each is to go on. @throws `CONFIG_INVALID` for what the group does not read */
  async partitionsTo(
    group: string,
    topics: readonly string[],
    target: RewindTarget,
  ): Promise<readonly RewindPartition[]> {
    const named = target.kind === 'offsets' ? target.offsets.map(({ topic }) => topic) : (target.topics ?? [])
    const unknown = named.find((topic) => !topics.includes(topic))
    if (unknown !== undefined)
      throw new BackstitchError('CONFIG_INVALID', `${group} does not read ${unknown}: ${topics.join(', ')}`)
    const chosen = named.length === 0 ? topics : topics.filter((topic) => named.includes(topic))
    const partitions = await this.partitionsOf(group, chosen)
    const wanted = await this.#wanted(chosen, partitions, target)
    return partitions.map((partition, n) => ({ ...partition, wanted: wanted[n] }))
  }

  /** By partition the first offset at a time or later. */
  async offsetsAt(
    partitions: readonly { readonly topic: string; readonly partition: number }[],
    timeMs: number,
  ): Promise<readonly (bigint | undefined)[]> {
    const topics = [...new Set(partitions.map(({ topic }) => topic))]
    const found = await Promise.all(topics.map((topic) => this.#admin.offsetsAt(topic, timeMs)))
    return partitions.map(({ topic, partition }) => found[topics.indexOf(topic)]?.[partition])
  }

  /** @throws `GROUP_IN_USE` */
  async set(group: string, partitions: readonly RewoundPartition[]): Promise<void> {
    for (const [topic, places] of Map.groupBy(partitions, (one) => one.topic))
      await this.#admin.setGroupOffsets(
        group,
        topic,
        new Map(places.map(({ partition, to }) => [partition, to])),
      )
  }

  async #wanted(
    topics: readonly string[],
    partitions: readonly PartitionState[],
    target: RewindTarget,
  ): Promise<readonly (bigint | undefined)[]> {
    if (target.kind === 'earliest') return partitions.map(({ begin }) => begin)
    if (target.kind === 'time') return this.offsetsAt(partitions, target.timeMs)
    const missing = target.offsets.find(
      (wish) =>
        !partitions.some(({ topic, partition }) => topic === wish.topic && partition === wish.partition),
    )
    if (missing !== undefined)
      throw new BackstitchError(
        'CONFIG_INVALID',
        `there is no partition ${missing.partition} of ${missing.topic} (${topics.join(', ')})`,
      )
    return partitions.map(
      (one) =>
        target.offsets.find(({ topic, partition }) => topic === one.topic && partition === one.partition)
          ?.offset,
    )
  }

  async #ofTopic(group: string, topic: string): Promise<readonly PartitionState[]> {
    const [begins, committed, ends] = await Promise.all([
      this.#admin.beginOffsets(topic),
      this.#admin.groupOffsets(group, topic),
      this.#admin.endOffsets(topic),
    ])
    return ends.map((end, partition) => {
      const begin = begins[partition] ?? 0n
      const next = committed[partition]
      const lag = end - (next === undefined || next < begin ? begin : next)
      return { topic, partition, begin, end, committed: next, lag: lag < 0n ? 0n : lag }
    })
  }
}
