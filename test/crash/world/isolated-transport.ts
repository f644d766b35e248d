import type { KafkaTransport, Logger } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'

/**
 * The transport of one test on a broker that many share: topics carry its prefix already, and so do its consumer groups here, which the
 * parts name after services.
 */
export function isolatedTransport(
  brokers: readonly string[],
  prefix: string,
  logger: Logger,
): KafkaTransport {
  const transport = kafkajs({ brokers, logger })
  return {
    ...transport,
    subscriber: (options) => transport.subscriber({ ...options, group: prefix + options.group }),
  }
}
