import type { Logger } from '../../kernel/logger.ts'
import { type GroupDriver, LastingSubscriber } from '../../transport/group/lasting-subscriber.ts'
import type { Subscriber, SubscriberOptions } from '../../transport/subscriber.ts'
import type { Client } from './client/client.ts'
import { kafkaError, protocolErrorType } from './errors.ts'
import { KafkajsMembership } from './membership/membership.ts'
import { TopicMetadata } from './topic-metadata.ts'

/** A subscriber over kafkajs: each member is one kafkajs consumer with a client of its own. */
export function kafkajsSubscriber(
  newClient: () => Client,
  logger: Logger,
  options: SubscriberOptions,
): Subscriber {
  const driver: GroupDriver = {
    membership: (settings) => new KafkajsMembership({ ...settings, client: newClient() }),
    topicLookup: () => {
      const metadata = new TopicMetadata(newClient)
      return {
        partitionCount: (topic) => {
          metadata.forget(topic)
          return metadata.partitionCount(topic)
        },
        close: () => metadata.close(),
      }
    },
    isAnswer: (thrown) => protocolErrorType(thrown) !== undefined,
    explain: kafkaError,
  }
  return new LastingSubscriber(driver, logger, options)
}
