import { topicOf } from '../../message/topic.ts'
import type { OutboxFacts } from '../../postgres/doctor/database-facts.ts'
import type { Config } from '../config.ts'
import { declaredTopics } from '../topics.ts'
import type { WantedTopic } from './kafka/check-topic.ts'

/** What one outbox and its quarantine have rows for, and have written to. */
export type OutboxDemand = Pick<OutboxFacts, 'topics' | 'pins'>

/** The topics that the configuration declares and those that outboxes have rows for, sorted. */
export function wantedTopics(config: Config, demands: readonly OutboxDemand[]): readonly WantedTopic[] {
  const { contracts, orchestrator, topicPrefix, topics } = config
  const declared = declaredTopics({ contracts, sagas: orchestrator?.sagas ?? [], topicPrefix, ...topics })
  const wanted = new Map<string, WantedTopic>()
  const add = (topic: string, more: Partial<WantedTopic>): void => {
    const before = wanted.get(topic) ?? {
      topic,
      carriesCommands: /\.(command|reply|saga)$/.test(topic),
      rows: 0,
      parked: 0,
    }
    wanted.set(topic, {
      ...before,
      ...more,
      rows: before.rows + (more.rows ?? 0),
      parked: before.parked + (more.parked ?? 0),
    })
  }
  for (const { topic, partitions } of declared) add(topic, { partitions })
  for (const { topic, partitions, is_adopted } of demands.flatMap(({ pins }) => pins))
    if (!is_adopted) add(topic, { pinned: partitions })
  for (const { origin, name, rows } of demands.flatMap((demand) => demand.topics))
    if (origin === 'outbox') add(topicOf(name, topicPrefix), { rows })
    else add(name, { parked: rows })
  return [...wanted.values()].toSorted((one, other) => (one.topic < other.topic ? -1 : 1))
}
