import { createTopicsV7 } from '@platformatic/kafka'
import { systemClock } from '../../kernel/clock.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type {
  ClusterDescription,
  GroupDescription,
  TopicDescription,
  TopicSpecification,
  TransportAdmin,
} from '../../transport/admin.ts'
import { assertOffsets } from '../../transport/group/assert-offsets.ts'
import { ask } from './client/ask.ts'
import { assertAccepted, BrokerRefusal, kafkaError, refusalCode } from './client/broker-refusal.ts'
import type { ClientSettings } from './client/client-settings.ts'
import { Cluster } from './client/cluster.ts'
import { groupCoordinator } from './client/coordinator.ts'
import { code, codeName, isOnItsWay } from './client/error-codes.ts'
import { committedOffsets, listedAt, listOffsets } from './client/offsets.ts'
import { describeGroup, groupNames, setOffsets } from './client/groups.ts'
import { isMissing, topicViewOf } from './client/topic-view.ts'
import { describeCluster, describeTopic } from './descriptions.ts'

/** A new topic has its leaders within this long, or something is wrong. */
const settledWithinMs = 15_000
const askAgainMs = 50

/** New topics, new leaders and new coordinators spread by and by. */
const passingCodes: ReadonlySet<number> = new Set([
  code.unknownTopicOrPartition,
  code.leaderNotAvailable,
  code.notLeader,
  code.offsetNotAvailable,
  code.replicaNotAvailable,
])

/** The broker’s own number of copies. */
const defaultReplication = -1

/** The admin port over the library’s requests. Connects at the first call. */
export class PlatformaticAdmin implements TransportAdmin {
  readonly #cluster: Cluster

  constructor(settings: ClientSettings) {
    this.#cluster = new Cluster(settings)
  }

  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#named(`partitions of ${topics.join(', ')}`, async () => {
      const counts = new Map<string, number>()
      for (const topic of new Set(topics)) {
        const leaders = await this.#leaders(topic)
        if (leaders !== undefined) counts.set(topic, leaders.size)
      }
      return counts
    })
  }

  createTopics(topics: readonly TopicSpecification[]): Promise<void> {
    const specifications = new Map(topics.map((it) => [it.topic, it]))
    const names = [...specifications.keys()]
    return this.#named(`creating ${names.join(', ')}`, async () => {
      if (names.length === 0) return
      const requests = [...specifications.values()].map((it) => ({
        name: it.topic,
        numPartitions: it.partitions,
        replicationFactor: it.replicationFactor ?? defaultReplication,
        assignments: [],
        configs: Object.entries(it.config ?? {}).map(([name, value]) => ({ name, value })),
      }))
      const controller = await this.#cluster.controller()
      const answer = await ask(controller, createTopicsV7.api, requests, settledWithinMs, false)
      const refused = answer.topics.filter(
        ({ errorCode }) => errorCode !== code.none && errorCode !== code.topicAlreadyExists,
      )
      if (refused.length > 0) {
        const reasons = refused.map((it) => `${it.name}: ${it.errorMessage ?? codeName(it.errorCode)}`)
        throw new BackstitchError('TOPIC_REFUSED', reasons.join('; '), { details: { topics: names } })
      }
      // where metadata names a leader, the broker may not know yet that it is one: only what needs the leader to answer proves it
      for (const topic of names) {
        await this.#settled(async () => {
          if ((await this.#listed(topic, listedAt.end)) === undefined)
            throw new BrokerRefusal(code.unknownTopicOrPartition)
        })
      }
    })
  }

  beginOffsets(topic: string): Promise<readonly bigint[]> {
    return this.#named(`begin offsets of ${topic}`, async () =>
      byPartition(await this.#settled(() => this.#listed(topic, listedAt.earliest))),
    )
  }

  endOffsets(topic: string): Promise<readonly bigint[]> {
    return this.#named(`end offsets of ${topic}`, async () =>
      byPartition(await this.#settled(() => this.#listed(topic, listedAt.end))),
    )
  }

  offsetsAt(topic: string, timestampMs: number): Promise<readonly bigint[]> {
    return this.#named(`offsets of ${topic} at a time`, () =>
      this.#settled(async () => {
        const ends = byPartition(await this.#listed(topic, listedAt.end))
        const found = byPartition(await this.#listed(topic, BigInt(Math.max(0, Math.ceil(timestampMs)))))
        // negative: no record is as late as that
        return ends.map((end, partition) => {
          const offset = found[partition] ?? -1n
          return offset < 0n ? end : offset
        })
      }),
    )
  }

  groupOffsets(group: string, topic: string): Promise<readonly (bigint | undefined)[]> {
    return this.#named(`offsets of group ${group} in ${topic}`, async () => {
      const leaders = await this.#leaders(topic)
      if (leaders === undefined) return []
      const partitions = [...leaders.keys()].toSorted((one, other) => one - other)
      const committed = await this.#settled(async () => {
        const coordinator = await groupCoordinator(this.#cluster, group)
        return committedOffsets(coordinator, group, new Map([[topic, partitions]]))
      })
      return partitions.map((partition) => committed.get(topic)?.get(partition))
    })
  }

  setGroupOffsets(group: string, topic: string, offsets: ReadonlyMap<number, bigint>): Promise<void> {
    const place = `offsets of group ${group} in ${topic}`
    return this.#named(place, async () => {
      assertOffsets(topic, (await this.#leaders(topic))?.size, offsets)
      if (offsets.size === 0) return
      try {
        await this.#settled(() => setOffsets(this.#cluster, group, topic, offsets))
      } catch (thrown) {
        if (refusalCode(thrown) !== code.unknownMemberId) throw thrown
        throw new BackstitchError('GROUP_IN_USE', place, { cause: thrown, details: { group } })
      }
    })
  }

  groups(): Promise<readonly string[]> {
    return this.#named('the consumer groups', () => this.#settled(() => groupNames(this.#cluster)))
  }

  describeGroup(group: string): Promise<GroupDescription> {
    return this.#named(`group ${group}`, () => this.#settled(() => describeGroup(this.#cluster, group)))
  }

  groupTopics(group: string): Promise<readonly string[]> {
    return this.#named(`topics of group ${group}`, () =>
      this.#settled(async () => {
        const committed = await committedOffsets(await groupCoordinator(this.#cluster, group), group)
        return [...committed.keys()].toSorted()
      }),
    )
  }

  describeTopics(topics: readonly string[]): Promise<ReadonlyMap<string, TopicDescription>> {
    return this.#named(`settings of ${topics.join(', ')}`, async () => {
      const found = new Map<string, TopicDescription>()
      for (const topic of new Set(topics)) {
        const description = await describeTopic(this.#cluster, topic)
        if (description !== undefined) found.set(topic, description)
      }
      return found
    })
  }

  describeCluster(): Promise<ClusterDescription> {
    return this.#named('the brokers of the cluster', () => describeCluster(this.#cluster))
  }

  async close(): Promise<void> {
    this.#cluster.cutOff()
  }

  /** `undefined` where the topic does not exist. */
  async #listed(topic: string, timestamp: bigint): Promise<ReadonlyMap<number, bigint> | undefined> {
    const leaders = await this.#leaders(topic)
    return leaders && listOffsets(this.#cluster, topic, leaders, timestamp)
  }

  /** The leader of each partition; `undefined` where the topic does not exist. */
  async #leaders(topic: string): Promise<ReadonlyMap<number, number> | undefined> {
    const view = topicViewOf(await this.#cluster.describe([topic]), topic)
    if (isMissing(view)) return undefined
    assertAccepted(view.errorCode)
    return new Map(view.leaders.entries())
  }

  /** Asks again while brokers answer that something is still on its way. */
  async #settled<Answer>(request: () => Promise<Answer>): Promise<Answer> {
    const until = performance.now() + settledWithinMs
    for (;;) {
      try {
        return await request()
      } catch (thrown) {
        const errorCode = refusalCode(thrown)
        const isPassing = errorCode !== undefined && (passingCodes.has(errorCode) || isOnItsWay(errorCode))
        if (!isPassing || performance.now() > until) throw thrown
        await systemClock.pause(askAgainMs)
      }
    }
  }

  async #named<Answer>(place: string, request: () => Promise<Answer>): Promise<Answer> {
    try {
      return await request()
    } catch (thrown) {
      throw kafkaError(thrown, place)
    }
  }
}

function byPartition(offsets: ReadonlyMap<number, bigint> | undefined): bigint[] {
  return [...(offsets ?? [])].toSorted(([one], [other]) => one - other).map(([, offset]) => offset)
}
