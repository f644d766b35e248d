import { type Connection, listOffsetsV6, offsetFetchV8 } from '@platformatic/kafka'
import { ask } from './ask.ts'
import { assertAccepted, BrokerRefusal } from './broker-refusal.ts'
import type { Cluster } from './cluster.ts'
import { code } from './error-codes.ts'

/** Kafka’s marks for the two ends of a partition. */
export const listedAt = { end: -1n, earliest: -2n } as const

const noReplica = -1
const readUncommitted = 0
const anyLeaderEpoch = -1

/**
 * Offsets of partitions of a topic: the first, the next, or the first at a time or later, negative where there is none.
 * @param leaders by partition, as metadata has them
 * @throws BrokerRefusal, and what the library throws when a leader does not answer
 */
export async function listOffsets(
  cluster: Cluster,
  topic: string,
  leaders: ReadonlyMap<number, number>,
  timestamp: bigint,
): Promise<ReadonlyMap<number, bigint>> {
  const byNode = Map.groupBy(leaders, ([, node]) => node)
  const offsets = new Map<number, bigint>()
  const asking = [...byNode].map(async ([node, partitions]) => {
    const asked = partitions.map(([partition]) => ({
      partitionIndex: partition,
      currentLeaderEpoch: anyLeaderEpoch,
      timestamp,
    }))
    const answer = await ask(await cluster.broker(node), listOffsetsV6.api, noReplica, readUncommitted, [
      { name: topic, partitions: asked },
    ])
    for (const { partitions: answered } of answer.topics) {
      for (const { partitionIndex, errorCode, offset } of answered) {
        assertAccepted(errorCode)
        offsets.set(partitionIndex, offset)
      }
    }
  })
  await Promise.all(asking)
  return offsets
}

/**
 * What a group has committed, by topic and partition; those without a commit are absent.
 * @param partitions default: all
 * @throws BrokerRefusal, and what the library throws when the coordinator does not answer
 */
export async function committedOffsets(
  coordinator: Connection,
  group: string,
  partitions?: ReadonlyMap<string, readonly number[]>,
): Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>>> {
  const topics =
    partitions === undefined
      ? null
      : [...partitions].map(([name, indexes]) => ({ name, partitionIndexes: [...indexes] }))
  const answer = await ask(
    coordinator,
    offsetFetchV8.api,
    [{ groupId: group, memberEpoch: -1, topics }],
    false,
  )
  const found = answer.groups.find(({ groupId }) => groupId === group)
  if (found === undefined) throw new BrokerRefusal(code.coordinatorNotAvailable)
  assertAccepted(found.errorCode)
  return new Map(
    found.topics.map(({ name, partitions: answered }) => [
      name,
      new Map(
        answered.flatMap(({ partitionIndex, committedOffset, errorCode }): [number, bigint][] => {
          assertAccepted(errorCode)
          return committedOffset < 0n ? [] : [[partitionIndex, committedOffset]]
        }),
      ),
    ]),
  )
}
