import type { CommandContract } from '../message/command.ts'
import type { EventContract } from '../message/event.ts'
import { defaultTopicPrefix, replyAggregateType, startAggregateType, topicOf } from '../message/topic.ts'
import type { SagaDefinition } from '../saga/definition/saga-definition.ts'
import type { TopicSpecification, TransportAdmin } from '../transport/admin.ts'
import type { KafkaTransport } from '../transport/transport.ts'

/** The topic that contracts and sagas need, beside the one that is there. */
export type PlannedTopic = TopicSpecification & {
  /** `differs`: it has another number of partitions, which nothing here changes, for that would move keys. */
  readonly state: 'create' | 'ok' | 'differs'
  /** The number of partitions that it has. */
  readonly existing?: number
}

/** What declares topics. */
export type TopicsOptions = {
  readonly contracts?: readonly (EventContract | CommandContract)[]
  readonly sagas?: readonly SagaDefinition[]
  /** What stands before the aggregate type in the name of a topic. Default `outbox.event.` */
  readonly topicPrefix?: string
  /** Of topics that have to be created. Default 6. */
  readonly partitions?: number
  /** Of topics that have to be created. Default: the broker’s own. */
  readonly replicationFactor?: number | undefined
}

/**
 * The topics that contracts and sagas declare: those of the events, `<service>.command`, and for each orchestrator `<orchestrator>.reply`
 * and the one by which other services ask it to start sagas. Sorted by name.
 */
export function declaredTopics(options: TopicsOptions): readonly TopicSpecification[] {
  const { contracts = [], sagas = [], topicPrefix = defaultTopicPrefix } = options
  const { partitions = 6, replicationFactor } = options
  const aggregateTypes = new Set([
    ...contracts.map(({ aggregateType }) => aggregateType),
    ...sagas.flatMap(({ orchestrator, steps }) => [
      replyAggregateType(orchestrator),
      startAggregateType(orchestrator),
      // Those of the undos as well: they go to the services of their steps.
      ...steps.map(({ command }) => command.aggregateType),
    ]),
  ])
  return [...aggregateTypes]
    .map((aggregateType) => topicOf(aggregateType, topicPrefix))
    .toSorted()
    .map((topic) => ({ topic, partitions, ...(replicationFactor !== undefined && { replicationFactor }) }))
}

/**
 * Compares the declared topics with those that exist.
 * @throws `KAFKA_UNREACHABLE`
 */
export function planTopics(
  options: TopicsOptions & { readonly transport: KafkaTransport },
): Promise<readonly PlannedTopic[]> {
  return withAdmin(options.transport, (admin) => planOf(admin, declaredTopics(options)))
}

/**
 * Creates the declared topics that do not exist, and leaves the others as they are; safe to repeat.
 *
 * @returns the plan that was carried out
 * @throws `KAFKA_UNREACHABLE`, `TOPIC_REFUSED`
 * @example
 * await applyTopics({ transport, contracts: [OrderPlaced], sagas: [placeOrder] })
 */
export function applyTopics(
  options: TopicsOptions & { readonly transport: KafkaTransport },
): Promise<readonly PlannedTopic[]> {
  const declared = declaredTopics(options)
  return withAdmin(options.transport, async (admin) => {
    const plan = await planOf(admin, declared)
    const missing = declared.filter((_, n) => plan[n]?.state === 'create')
    if (missing.length > 0) await admin.createTopics(missing)
    return plan
  })
}

async function planOf(
  admin: TransportAdmin,
  declared: readonly TopicSpecification[],
): Promise<readonly PlannedTopic[]> {
  const counts = await admin.partitionCounts(declared.map(({ topic }) => topic))
  return declared.map((specification) => {
    const existing = counts.get(specification.topic)
    if (existing === undefined) return { ...specification, state: 'create' }
    return { ...specification, existing, state: existing === specification.partitions ? 'ok' : 'differs' }
  })
}

async function withAdmin<Result>(
  transport: KafkaTransport,
  work: (admin: TransportAdmin) => Promise<Result>,
): Promise<Result> {
  const admin = transport.admin()
  try {
    return await work(admin)
  } finally {
    await admin.close()
  }
}
