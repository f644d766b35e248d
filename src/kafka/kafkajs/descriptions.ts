import type { ClusterDescription, TopicDescription } from '../../transport/admin.ts'
import type { AdminConnection } from './client/admin-connection.ts'
import { isAccessError, isTopicError, kafkaError } from './errors.ts'

/** Numbers of kafkajs’s `ConfigResourceTypes`, which is an enum of its own at run time. */
const resourceType = { topic: 2, broker: 4 } as const

/**
 * A topic with its settings; `undefined` where it does not exist. kafkajs speaks no version of the protocol that says what a user may
 * write to, so `writable` is absent.
 * @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED`
 */
export async function describeTopic(
  connection: AdminConnection,
  topic: string,
): Promise<TopicDescription | undefined> {
  const place = `partitions of ${topic}`
  try {
    const partitions = await connection.use(place, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      return topics.find(({ name }) => name === topic)?.partitions
    })
    if (partitions === undefined) return undefined
    return {
      partitions: partitions.length,
      replicationFactor: Math.min(...partitions.map(({ replicas }) => replicas.length)),
      leaderless: partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId),
      config: await configOf(connection, resourceType.topic, topic),
    }
  } catch (thrown) {
    if (isTopicError(thrown)) return undefined
    throw kafkaError(thrown, place)
  }
}

/**
 * The brokers, and the settings of the first of them.
 * @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED`
 */
export async function describeCluster(connection: AdminConnection): Promise<ClusterDescription> {
  const place = 'the brokers of the cluster'
  try {
    const { clusterId, brokers } = await connection.use(place, (admin) => admin.describeCluster())
    const [first] = brokers
    return {
      clusterId,
      brokers: brokers.map(({ nodeId, host, port }) => ({ id: nodeId, address: `${host}:${port}` })),
      config: first && (await configOf(connection, resourceType.broker, String(first.nodeId))),
    }
  } catch (thrown) {
    throw kafkaError(thrown, place)
  }
}

async function configOf(
  connection: AdminConnection,
  type: (typeof resourceType)[keyof typeof resourceType],
  name: string,
): Promise<ReadonlyMap<string, string> | undefined> {
  try {
    const { resources } = await connection.use(`settings of ${name}`, (admin) =>
      admin.describeConfigs({ resources: [{ type, name }], includeSynonyms: false }),
    )
    const entries = resources.flatMap(({ configEntries }) => configEntries)
    // what is sensitive comes without its value
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue ?? '']))
  } catch (thrown) {
    if (isAccessError(thrown)) return undefined
    throw thrown
  }
}
