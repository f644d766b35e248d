import { z } from 'zod'
import { on } from '../../../../src/inbox/events/event-subscription.ts'
import type { HandlerContext } from '../../../../src/inbox/events/handler-context.ts'
import { kafkajs } from '../../../../src/kafka/kafkajs/index.ts'
import type { ProcessPart } from '../../../../src/kernel/lifecycle.ts'
import { event } from '../../../../src/message/event.ts'
import { createConsumer, type ConsumerOptions } from '../../../../src/runtime/create-consumer.ts'
import { createGroupOperator, type GroupOperator } from '../../../../src/runtime/groups/group-operator.ts'
import type { KafkaTransport } from '../../../../src/transport/transport.ts'
import { kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../../support/services.ts'
import type { serviceDatabase } from '../service-database.ts'
import { untilDrained } from '../topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})

/** A group of its own, with a topic of two partitions, whose members write an effect for each message. */
export type GroupWorld = {
  readonly group: string
  readonly topic: string
  readonly transport: KafkaTransport
  readonly operator: GroupOperator
  /** A new member that is not started. @param handle called before the effect is written */
  readonly member: (
    handle?: (name: string, context: HandlerContext) => unknown,
    more?: Partial<ConsumerOptions>,
  ) => ProcessPart
  /** Lets a member read to the end of the topic, and stops it. */
  readonly drain: (...of: Parameters<GroupWorld['member']>) => Promise<void>
}

/** Makes a {@link GroupWorld} on real servers. */
export async function groupWorld(database: ReturnType<typeof serviceDatabase>): Promise<GroupWorld> {
  const topicPrefix = uniqueTopicPrefix()
  const topic = `${topicPrefix}order`
  const group = uniqueName('group')
  const transport = kafkajs({ brokers: kafkaBrokers() })
  const admin = transport.admin()
  await admin.createTopics([{ topic, partitions: 2 }])
  await admin.close()
  const member: GroupWorld['member'] = (handle = () => undefined, more = {}) =>
    createConsumer({
      database: database.pool(),
      transport,
      topicPrefix,
      group,
      handlers: [
        on(Placed, async ({ body }, context) => {
          await handle(body.name, context)
          await context.tx.query('insert into effect (name) values ($1)', [body.name])
        }),
      ],
      ...more,
    })
  return {
    group,
    topic,
    transport,
    operator: createGroupOperator({ database: database.pool(), transport }),
    member,
    drain: async (...of) => {
      const part = member(...of)
      await part.start()
      try {
        await untilDrained(transport, group, topic)
      } finally {
        await part.stop()
      }
    },
  }
}
