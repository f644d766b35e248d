import { createRelay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import { afterAll, beforeAll } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueName } from '../../support/services.ts'

/** An outbox that the real relay publishes, for a test file. */
export type PublishedOutbox = {
  readonly url: () => string
  readonly pool: () => Pool
  /** A new aggregate type, whose topic of one partition is there. */
  newAggregateType(): Promise<{ readonly aggregateType: string; readonly topic: string }>
}

/** Makes one before the tests of the file, with the default prefix of topics, and stops it after them. */
export function publishedOutbox(): PublishedOutbox {
  const transport = kafkajs({ brokers: kafkaBrokers() })
  let url = ''
  let pool: Pool
  let relay: ReturnType<typeof createRelay>
  beforeAll(async () => {
    url = (await createDatabase()).url
    pool = new Pool({ connectionString: url })
    await migrate({ database: pool, parts: ['outbox'] })
    relay = createRelay({ databases: [pool], transport })
    await relay.start()
  })
  afterAll(async () => {
    await relay?.stop()
    await pool?.end()
  })
  return {
    url: () => url,
    pool: () => pool,
    newAggregateType: async () => {
      const aggregateType = uniqueName('order')
      const topic = `outbox.event.${aggregateType}`
      const admin = transport.admin()
      await admin.createTopics([{ topic, partitions: 1 }])
      await admin.close()
      return { aggregateType, topic }
    },
  }
}
