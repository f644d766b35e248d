import type { Pool } from 'pg'
import type { Act } from '../audit/act.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { requestTopicAdoption } from '../postgres/operator/pg-topic-adoption.ts'
import type { KafkaTransport } from '../transport/transport.ts'

/** What {@link adoptTopic} found, and asked for. */
export type TopicAdoption = {
  readonly topic: string
  /** The number of partitions that it is to be written to with. */
  readonly partitions: number
  /** The numbers that it is written to with until then, each once. */
  readonly before: readonly number[]
}

/**
 * Has an outbox write a topic with the number of partitions that the topic has by now. Until then the outbox goes on with the number that the
 * topic had at its first use: with another one the rows of a key could meet on two partitions. From then on keys may be on other partitions
 * than before, so let the consumers catch up first where they rely on the order across the change.
 *
 * The relay that owns the outbox does it within about ten seconds.
 *
 * @throws `TOPIC_NOT_PINNED` when nothing of this outbox ever went to the topic, or it does not exist
 * @throws `KAFKA_UNREACHABLE`, `SCHEMA_MISSING`, `REASON_MISSING`
 * @example
 * await adoptTopic({ database: pool, transport, topic: 'outbox.event.order' }, { actor: 'ann', reason: 'more consumers' })
 */
export async function adoptTopic(
  options: {
    readonly database: Pool
    readonly transport: KafkaTransport
    readonly topic: string
    readonly schema?: string
  },
  act: Act,
): Promise<TopicAdoption> {
  const { database, transport, topic, schema } = options
  const admin = transport.admin()
  let partitions: number | undefined
  try {
    partitions = (await admin.partitionCounts([topic])).get(topic)
  } finally {
    await admin.close()
  }
  if (partitions === undefined) throw new BackstitchError('TOPIC_NOT_PINNED', `${topic} does not exist`)
  const rows = await requestTopicAdoption(
    database,
    { topic, partitions, ...(schema !== undefined && { schema }) },
    act,
  )
  return { topic, partitions, before: [...new Set(rows.map((row) => row.partitions))] }
}
