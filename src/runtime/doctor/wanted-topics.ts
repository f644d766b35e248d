import { topicOf } from '../../message/topic.ts'
import type { GroupRow } from '../../postgres/queries/group/list-groups.ts'
import type { OutboxFacts } from '../../postgres/doctor/database-facts.ts'
import type { Config } from '../config.ts'
import { declaredTopics } from '../topics.ts'
import type { WantedTopic } from './kafka/check-topic.ts'

/** What one outbox and its quarantine have rows for, and have written to. */
export type OutboxDemand = Pick<OutboxFacts, 'topics' | 'pins'>

/** A group that reads topics, and for how long its inbox remembers them. */
export type TopicReader = Pick<GroupRow, 'group' | 'topics' | 'retention_ms'>

/** The topics that the configuration declares, those that outboxes have rows for, and those that groups read, sorted. */
export function wantedTopics(
  config: Config,
  demands: readonly OutboxDemand[],
  readers: readonly TopicReader[] = [],
): readonly WantedTopic[] {
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
  for (const { group, topics: read, retention_ms } of readers)
    for (const topic of read) {
      const remembers = { group, ms: Number(retention_ms) }
      const { remembered = remembers } = wanted.get(topic) ?? {}
      add(topic, { remembered: remembers.ms < remembered.ms ? remembers : remembered })
    }
  return [...wanted.values()].toSorted((one, other) => (one.topic < other.topic ? -1 : 1))
}
