import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { ClusterDescription, TopicDescription, TransportAdmin } from '../../transport/admin.ts'
import type { Config } from '../config.ts'
import { createTransportFromConfig } from '../from-config/create-transport-from-config.ts'
import { type Finding, type Judgement, wrong } from './finding.ts'
import { checkCluster } from './kafka/check-cluster.ts'
import { checkTopic, type WantedTopic } from './kafka/check-topic.ts'
import { type OutboxDemand, type TopicReader, wantedTopics } from './wanted-topics.ts'

/** The default of members of groups; the configuration can set it for the orchestrator. */
const sessionTimeoutMsDefault = 6_000

/** The limit of a body and of all that is beside it, as `enqueue` checks them by default. */
const recordBytesMax = 900_000 + 100_000

/**
 * Asks the brokers of the configuration and judges what they say. Never rejects for what they are to blame for.
 *
 * @param demands what the outboxes have rows for
 * @param clockOffMs how far clocks are apart at most
 * @param readers the groups that use the inboxes
 */
export async function examineKafka(
  config: Config,
  demands: readonly OutboxDemand[],
  clockOffMs: number,
  readers: readonly TopicReader[] = [],
): Promise<readonly Finding[]> {
  let admin: TransportAdmin | undefined
  try {
    admin = (await createTransportFromConfig(config)).admin()
    const cluster = await admin.describeCluster()
    const wanted = wantedTopics(config, demands, readers)
    const found = await admin.describeTopics(wanted.map(({ topic }) => topic))
    return judged(config, cluster, wanted, found, clockOffMs)
  } catch (thrown) {
    return [{ subject: 'kafka', ...unanswered(thrown) }]
  } finally {
    await admin?.close()
  }
}

function judged(
  config: Config,
  cluster: ClusterDescription,
  wanted: readonly WantedTopic[],
  found: ReadonlyMap<string, TopicDescription>,
  clockOffMs: number,
): readonly Finding[] {
  const sessionTimeoutMs = config.orchestrator?.sessionTimeoutMs ?? sessionTimeoutMsDefault
  const minutes = cluster.config?.get('offsets.retention.minutes')
  const needs = {
    recordBytesMax,
    clockOffMs,
    keepPublishedMs: config.relay.retention?.keepPublishedMs ?? 0,
    offsetsRetentionMs: minutes === undefined ? undefined : Number(minutes) * 60_000,
  }
  return [
    ...checkCluster(cluster, { sessionTimeoutMs }).map((judgement) => ({ subject: 'kafka', ...judgement })),
    ...wanted.flatMap((topic) =>
      checkTopic(topic, found.get(topic.topic), needs).map((judgement) => ({
        subject: topic.topic,
        ...judgement,
      })),
    ),
  ]
}

function unanswered(thrown: unknown): Judgement {
  const code = isBackstitchError(thrown) ? thrown.code : undefined
  if (code === 'KAFKA_ACCESS_DENIED')
    return wrong(
      'brokers',
      reasonOf(thrown),
      'The brokers refuse this user.',
      'Check kafka.sasl, and the rights of the user.',
    )
  if (code === 'CONFIG_INVALID')
    return wrong(
      'brokers',
      reasonOf(thrown),
      'Nothing can be published or read.',
      'Correct the configuration.',
    )
  return wrong(
    'brokers',
    reasonOf(thrown),
    'No broker answers; processes wait for them.',
    'Check kafka.brokers, kafka.ssl, and that they run.',
  )
}
