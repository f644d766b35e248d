import { describeGroupsV5, listGroupsV4, offsetCommitV8 } from '@platformatic/kafka'
import type { GroupDescription } from '../../../transport/admin.ts'
import { ask } from './ask.ts'
import { assertAccepted } from './broker-refusal.ts'
import type { Cluster } from './cluster.ts'
import { groupCoordinator } from './coordinator.ts'

const states: Readonly<Record<string, GroupDescription['state']>> = {
  Dead: 'absent',
  Empty: 'empty',
  PreparingRebalance: 'rebalancing',
  CompletingRebalance: 'rebalancing',
  Stable: 'stable',
}

/** Kafka’s marks for a commit that comes from no member: the broker takes it only while the group has none. */
const [noGeneration, noMember, noInstance, anyLeaderEpoch] = [-1, '', null, -1] as const

/** The consumer groups of all brokers, in order. @throws BrokerRefusal, and what the library throws when one does not answer */
export async function groupNames(cluster: Cluster): Promise<string[]> {
  const { brokers } = await cluster.describe([])
  const lists = await Promise.all(
    brokers.map(async ({ nodeId }) => {
      const answer = await ask(await cluster.broker(nodeId), listGroupsV4.api, [], [])
      assertAccepted(answer.errorCode)
      return answer.groups
    }),
  )
  // without a protocol: offsets were set, and no member has joined yet
  const own = lists.flat().filter(({ protocolType }) => protocolType === 'consumer' || protocolType === '')
  return own.map(({ groupId }) => groupId).toSorted()
}

/** A group and its members. @throws BrokerRefusal, and what the library throws when its coordinator does not answer */
export async function describeGroup(cluster: Cluster, group: string): Promise<GroupDescription> {
  const coordinator = await groupCoordinator(cluster, group)
  const { groups } = await ask(coordinator, describeGroupsV5.api, [group], false)
  const found = groups.find(({ groupId }) => groupId === group)
  if (found === undefined) return { state: 'absent', members: [] }
  assertAccepted(found.errorCode)
  return {
    state: states[found.groupState] ?? 'rebalancing',
    members: found.members.map(({ memberId, clientId, clientHost }) => ({
      id: memberId,
      clientId,
      host: clientHost,
    })),
  }
}

/** Commits from outside of a group. @throws BrokerRefusal, and what the library throws when its coordinator does not answer */
export async function setOffsets(
  cluster: Cluster,
  group: string,
  topic: string,
  offsets: ReadonlyMap<number, bigint>,
): Promise<void> {
  const coordinator = await groupCoordinator(cluster, group)
  const partitions = [...offsets].map(([partitionIndex, committedOffset]) => ({
    partitionIndex,
    committedOffset,
    committedLeaderEpoch: anyLeaderEpoch,
  }))
  const answer = await ask(coordinator, offsetCommitV8.api, group, noGeneration, noMember, noInstance, [
    { name: topic, partitions },
  ])
  for (const { partitions: answered } of answer.topics)
    for (const { errorCode } of answered) assertAccepted(errorCode)
}
