import type { Admin, ITopicConfig } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import type {
  ClusterDescription,
  GroupDescription,
  TopicDescription,
  TopicSpecification,
  TransportAdmin,
} from '../../transport/admin.ts'
import { assertOffsets } from '../../transport/group/assert-offsets.ts'
import { AdminConnection } from './client/admin-connection.ts'
import type { Client } from './client/client.ts'
import { describeCluster, describeTopic } from './descriptions.ts'
import { isPassing, isTopicError, kafkaError } from './errors.ts'
import { GroupAdmin } from './group-admin.ts'
import { countPartitions } from './topic-metadata.ts'

/** A new topic has its leaders within this long, or something is wrong. */
const settledWithinMs = 15_000
const askAgainMs = 50

/** The admin port over kafkajs. Connects at the first call. */
export class KafkajsAdmin implements TransportAdmin {
  readonly #connection: AdminConnection
  readonly #groups: GroupAdmin

  constructor(newClient: () => Client) {
    this.#connection = new AdminConnection(newClient)
    this.#groups = new GroupAdmin(newClient, this.#connection)
  }

  async partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>()
    for (const topic of new Set(topics)) {
      const count = await countPartitions(this.#connection, topic)
      if (count !== undefined) counts.set(topic, count)
    }
    return counts
  }

  async createTopics(topics: readonly TopicSpecification[]): Promise<void> {
    const configs = new Map(topics.map((it) => [it.topic, configOf(it)]))
    const names = [...configs.keys()]
    if (names.length === 0) return
    const place = `creating ${names.join(', ')}`
    try {
      await this.#connection.use(place, (admin) =>
        admin.createTopics({ topics: [...configs.values()], waitForLeaders: false }),
      )
    } catch (thrown) {
      const refused = refusals(thrown)
      if (refused === undefined) throw kafkaError(thrown, place)
      if (refused.length > 0) {
        throw new BackstitchError('TOPIC_REFUSED', refused.join('; '), {
          cause: thrown,
          details: { topics: names },
        })
      }
    }
    await this.#untilWritable(names, place)
  }

  async beginOffsets(topic: string): Promise<readonly bigint[]> {
    const offsets = await this.#ofTopic(`begin offsets of ${topic}`, topic, (admin) =>
      admin.fetchTopicOffsets(topic),
    )
    return byPartition(offsets ?? []).map(({ low }) => BigInt(low))
  }

  async endOffsets(topic: string): Promise<readonly bigint[]> {
    const offsets = await this.#ofTopic(`end offsets of ${topic}`, topic, (admin) =>
      admin.fetchTopicOffsets(topic),
    )
    return byPartition(offsets ?? []).map(({ offset }) => BigInt(offset))
  }

  async offsetsAt(topic: string, timestampMs: number): Promise<readonly bigint[]> {
    const offsets = await this.#ofTopic(`offsets of ${topic} at a time`, topic, (admin) =>
      admin.fetchTopicOffsetsByTimestamp(topic, Math.max(0, Math.ceil(timestampMs))),
    )
    return byPartition(offsets ?? []).map(({ offset }) => BigInt(offset))
  }

  async groupOffsets(group: string, topic: string): Promise<readonly (bigint | undefined)[]> {
    const answer = await this.#ofTopic(`offsets of group ${group} in ${topic}`, topic, (admin) =>
      admin.fetchOffsets({ groupId: group, topics: [topic] }),
    )
    // negative: nothing committed (-1), or kafkajs’s mark for "from the beginning" (-2)
    return byPartition(answer?.[0]?.partitions ?? []).map(({ offset }) =>
      offset.startsWith('-') ? undefined : BigInt(offset),
    )
  }

  async setGroupOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    assertOffsets(topic, await countPartitions(this.#connection, topic), offsets)
    if (offsets.size > 0) await this.#groups.setOffsets(group, topic, offsets)
  }

  groups(): Promise<readonly string[]> {
    return this.#groups.names()
  }

  describeGroup(group: string): Promise<GroupDescription> {
    return this.#groups.describe(group)
  }

  groupTopics(group: string): Promise<readonly string[]> {
    return this.#groups.topics(group)
  }

  async describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    const found = new Map<string, TopicDescription>()
    for (const topic of new Set(topics)) {
      const description = await describeTopic(this.#connection, topic)
      if (description) found.set(topic, description)
    }
    return found
  }

  describeCluster(): Promise<ClusterDescription> {
    return describeCluster(this.#connection)
  }

  close(): Promise<void> {
    return this.#connection.close()
  }

  /** Asks about a topic that exists; `undefined` where it does not: kafkajs would keep trying for seconds. */
  async #ofTopic<Answer>(
    place: string,
    topic: string,
    call: (admin: Admin) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    if ((await countPartitions(this.#connection, topic)) === undefined) return undefined
    try {
      return await this.#settled(place, call, isTopicError)
    } catch (thrown) {
      if (isTopicError(thrown)) return undefined
      throw kafkaError(thrown, place)
    }
  }

  /** Where metadata names a leader, the broker may not know yet that it is one: only what needs the leader to answer proves it. */
  async #untilWritable(topics: readonly string[], place: string): Promise<void> {
    for (const topic of topics) {
      try {
        await this.#settled(place, (admin) => admin.fetchTopicOffsets(topic))
      } catch (thrown) {
        throw kafkaError(thrown, place)
      }
    }
  }

  /** Asks again while brokers answer that something is still on its way: new topics and new leaders spread by and by. */
  async #settled<Answer>(
    place: string,
    call: (admin: Admin) => Promise<Answer>,
    isFinal: (thrown: unknown) => boolean = () => false,
  ): Promise<Answer> {
    const until = performance.now() + settledWithinMs
    for (;;) {
      try {
        return await this.#connection.use(place, call)
      } catch (thrown) {
        if (!isPassing(thrown) || isFinal(thrown) || performance.now() > until) throw thrown
        await pause(askAgainMs)
      }
    }
  }
}

function configOf(topic: TopicSpecification): ITopicConfig {
  return {
    topic: topic.topic,
    numPartitions: topic.partitions,
    ...(topic.replicationFactor !== undefined && { replicationFactor: topic.replicationFactor }),
    configEntries: Object.entries(topic.config ?? {}).map(([name, value]) => ({ name, value })),
  }
}

/** What the broker refuses, topics that exist already left out; `undefined` when this is no answer about topics. */
function refusals(thrown: unknown): string[] | undefined {
  if (!(thrown instanceof Error) || !('errors' in thrown) || !Array.isArray(thrown.errors)) return undefined
  return (thrown.errors as readonly { type?: string; topic?: string }[])
    .filter(({ type }) => type !== 'TOPIC_ALREADY_EXISTS')
    .map((error) => `${error.topic}: ${reasonOf(error)}`)
}

function byPartition<Entry extends { readonly partition: number }>(entries: readonly Entry[]): Entry[] {
  return entries.toSorted((one, other) => one.partition - other.partition)
}
