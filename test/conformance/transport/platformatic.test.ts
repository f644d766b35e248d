import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll } from 'vitest'
import { platformatic } from '../../../src/kafka/platformatic/index.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'
import { kafkaBrokers, uniqueName } from '../../support/services.ts'
import { transportConformance } from './suites/transport-conformance.ts'
import { harnessFor } from './transport-harness.ts'

let transport: KafkaTransport
const admin = new Kafka({ brokers: kafkaBrokers(), logLevel: logLevel.NOTHING }).admin()

beforeAll(async () => {
  transport = platformatic({ brokers: kafkaBrokers() })
  await admin.connect()
})
afterAll(() => admin.disconnect())

const harness = harnessFor(() => ({
  transport,
  uniqueName,
  deleteTopic: (topic) => admin.deleteTopics({ topics: [topic] }),
}))

transportConformance(harness)
