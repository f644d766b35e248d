import type { Kafka } from 'kafkajs'

/** What is used of kafkajs’s `Cluster`, which it keeps to itself. */
type Cluster = {
  connect(): Promise<void>
  findGroupCoordinator(of: { readonly groupId: string }): Promise<Coordinator>
  disconnect(): Promise<void>
}

type Coordinator = {
  offsetCommit(request: {
    readonly groupId: string
    readonly groupGenerationId: number
    readonly memberId: string
    readonly topics: readonly TopicOffsets[]
  }): Promise<unknown>
}

type TopicOffsets = {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
}

/** Kafka’s mark for a commit that comes from no member: the broker takes it only while the group has none. */
const noGeneration = -1

/**
 * Commits offsets of a group from outside of it. kafkajs’s own `admin.setOffsets` looks whether the group has members and then becomes one: a
 * member that comes in between would have its partitions dealt out anew, and some offsets not be set without a word.
 *
 * @returns `undefined` where this version of kafkajs has no such way in
 * @throws what kafkajs throws
 */
export function groupCommit(
  kafka: Kafka,
): ((group: string, offsets: TopicOffsets) => Promise<void>) | undefined {
  const key = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  )
  const newCluster = key && (kafka as unknown as Record<symbol, unknown>)[key]
  if (typeof newCluster !== 'function') return undefined
  return async (groupId, offsets) => {
    const cluster = newCluster({ allowAutoTopicCreation: false }) as Cluster
    await cluster.connect()
    try {
      const coordinator = await cluster.findGroupCoordinator({ groupId })
      await coordinator.offsetCommit({
        groupId,
        groupGenerationId: noGeneration,
        memberId: '',
        topics: [offsets],
      })
    } finally {
      await cluster.disconnect()
    }
  }
}
