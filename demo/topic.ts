import { kafkajs } from 'backstitch/kafkajs'

/** Reads whole topics from their beginning and gives the ids of their records with how often each came. */
export async function readIds(
  brokers: readonly string[],
  topics: readonly string[],
): Promise<Map<string, number>> {
  const transport = kafkajs({ brokers, clientId: 'demo-check' })
  const admin = transport.admin()
  const unread = new Map<string, bigint>()
  for (const topic of topics)
    for (const [partition, end] of (await admin.endOffsets(topic)).entries())
      if (end > 0n) unread.set(`${topic}/${partition}`, end)
  await admin.close()

  const ids = new Map<string, number>()
  const { promise, resolve } = Promise.withResolvers<void>()
  if (unread.size === 0) resolve()
  const subscriber = transport.subscriber({ group: `demo-check-${Date.now()}`, topics })
  await subscriber.run({
    onBatch: ({ topic, partition, records }) => {
      for (const { offset, headers } of records) {
        const id = String(headers.find(([name]) => name === 'id')?.[1])
        ids.set(id, (ids.get(id) ?? 0) + 1)
        if (offset + 1n >= (unread.get(`${topic}/${partition}`) ?? 0n)) unread.delete(`${topic}/${partition}`)
      }
      if (unread.size === 0) resolve()
      return Promise.resolve({ kind: 'done' })
    },
  })
  await promise
  await subscriber.stop()
  return ids
}
