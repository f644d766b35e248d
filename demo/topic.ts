import kafkajs from 'kafkajs'

/** Reads a whole topic from its beginning and gives the ids of its records with how often each came. */
export async function readIds(
  brokers: readonly string[],
  topics: readonly string[],
): Promise<Map<string, number>> {
  const kafka = new kafkajs.Kafka({
    brokers: [...brokers],
    clientId: 'demo-check',
    logLevel: kafkajs.logLevel.NOTHING,
  })
  const admin = kafka.admin()
  await admin.connect()
  const missing = new Set<string>()
  for (const topic of topics)
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic))
      if (BigInt(high) > BigInt(low)) missing.add(`${topic}/${partition}/${BigInt(high) - 1n}`)
  await admin.disconnect()

  const ids = new Map<string, number>()
  const consumer = kafka.consumer({ groupId: `demo-check-${Date.now()}` })
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  const { promise, resolve } = Promise.withResolvers<void>()
  if (missing.size === 0) resolve()
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch: { topic, partition, messages } }) => {
      for (const { offset, headers } of messages) {
        const id = String(headers?.['id'])
        ids.set(id, (ids.get(id) ?? 0) + 1)
        missing.delete(`${topic}/${partition}/${offset}`)
      }
      if (missing.size === 0) resolve()
      return Promise.resolve()
    },
  })
  await promise
  await consumer.disconnect()
  return ids
}
