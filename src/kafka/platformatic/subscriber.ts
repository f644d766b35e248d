import type { Logger } from '../../kernel/logger.ts'
import { type GroupDriver, LastingSubscriber } from '../../transport/group/lasting-subscriber.ts'
import type { Subscriber, SubscriberOptions } from '../../transport/subscriber.ts'
import { kafkaError, refusalCode } from './client/broker-refusal.ts'
import type { ClientSettings } from './client/client-settings.ts'
import { Cluster } from './client/cluster.ts'
import { TopicLeaders } from './client/topic-leaders.ts'
import { PlatformaticMembership } from './membership/membership.ts'

/** A subscriber over the library’s requests: each member has connections of its own. */
export function platformaticSubscriber(
  client: ClientSettings,
  logger: Logger,
  options: SubscriberOptions,
): Subscriber {
  const driver: GroupDriver = {
    membership: (settings) => new PlatformaticMembership(client, settings),
    topicLookup: () => {
      const cluster = new Cluster(client)
      const leaders = new TopicLeaders(cluster)
      return {
        partitionCount: (topic) => {
          leaders.forget(topic)
          return leaders.partitionCount(topic)
        },
        close: async () => cluster.cutOff(),
      }
    },
    isAnswer: (thrown) => refusalCode(thrown) !== undefined,
    explain: kafkaError,
  }
  return new LastingSubscriber(driver, logger, options)
}
