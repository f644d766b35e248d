import { describeConfigsV4, metadataV12 } from '@platformatic/kafka'
import type { ClusterDescription, TopicDescription } from '../../transport/admin.ts'
import { ask } from './client/ask.ts'
import { assertAccepted } from './client/broker-refusal.ts'
import type { Cluster } from './client/cluster.ts'
import { code } from './client/error-codes.ts'
import { isMissing, topicViewOf } from './client/topic-view.ts'

const resourceType = { topic: 2, broker: 4 } as const

/** The bit of `WRITE` among the operations that a user may do. */
const writeBit = 1 << 4

/** A topic with its settings; `undefined` where it does not exist. @throws BrokerRefusal, and what the library throws */
export async function describeTopic(cluster: Cluster, topic: string): Promise<TopicDescription | undefined> {
  const answer = await cluster.askAny(metadataV12.api, [topic], false, true)
  const view = topicViewOf(answer, topic)
  if (isMissing(view)) return undefined
  assertAccepted(view.errorCode)
  const found = answer.topics.find(({ name }) => name === topic)
  return {
    partitions: view.leaders.length,
    replicationFactor: Math.min(...(found?.partitions ?? []).map(({ replicaNodes }) => replicaNodes.length)),
    leaderless: view.leaders.flatMap((leader, partition) => (leader < 0 ? [partition] : [])),
    config: await configOf(cluster, resourceType.topic, topic),
    writable: ((found?.topicAuthorizedOperations ?? 0) & writeBit) !== 0,
  }
}

/** The brokers, and the settings of the first of them. @throws BrokerRefusal, and what the library throws */
export async function describeCluster(cluster: Cluster): Promise<ClusterDescription> {
  const { clusterId, brokers } = await cluster.describe([])
  const [first] = brokers
  return {
    clusterId: clusterId ?? '',
    brokers: brokers.map(({ nodeId, host, port }) => ({ id: nodeId, address: `${host}:${port}` })),
    config: first && (await configOf(cluster, resourceType.broker, String(first.nodeId))),
  }
}

/** `undefined` where this user may not see them. */
async function configOf(
  cluster: Cluster,
  type: (typeof resourceType)[keyof typeof resourceType],
  name: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  // a broker answers for itself alone
  const resource = { resourceType: type, resourceName: name, configurationKeys: null }
  const { results } =
    type === resourceType.broker
      ? await ask(await cluster.broker(Number(name)), describeConfigsV4.api, [resource], false, false)
      : await cluster.askAny(describeConfigsV4.api, [resource], false, false)
  const denied: readonly number[] = [code.topicAuthorizationFailed, code.clusterAuthorizationFailed]
  if (results.some(({ errorCode }) => denied.includes(errorCode))) return undefined
  for (const { errorCode, errorMessage } of results) assertAccepted(errorCode, errorMessage)
  // what is sensitive comes without its value
  return new Map(
    results.flatMap(({ configs }) => configs.map((it): [string, string] => [it.name, it.value ?? ''])),
  )
}
