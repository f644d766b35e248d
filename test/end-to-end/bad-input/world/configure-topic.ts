import kafkajs from 'kafkajs'
import { kafkaBrokers } from '../../../support/services.ts'

/** Changes a setting of a topic, as an administrator would. */
export async function configureTopic(topic: string, name: string, value: string): Promise<void> {
  const admin = new kafkajs.Kafka({ brokers: kafkaBrokers(), logLevel: kafkajs.logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const type = kafkajs.ConfigResourceTypes.TOPIC
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ type, name: topic, configEntries: [{ name, value }] }],
    })
  } finally {
    await admin.disconnect()
  }
}
