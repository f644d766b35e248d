import type { KafkajsOptions } from '../../kafka/kafkajs/options.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { KafkaTransport } from '../../transport/transport.ts'
import type { Config } from '../config.ts'

/**
 * The transport of the configuration. The driver is loaded only here, for it is an optional peer.
 * @throws `CONFIG_INVALID` when no broker is given, or the driver’s package is not installed
 */
export async function createTransportFromConfig(config: Config, logger?: Logger): Promise<KafkaTransport> {
  const { brokers, ssl, sasl } = config.kafka
  if (brokers === undefined)
    throw new BackstitchError('CONFIG_INVALID', 'kafka.brokers: set it, or KAFKA_BROKERS, or --brokers')
  const { kafkajs } = await import('../../kafka/kafkajs/index.ts').catch((cause: unknown) => {
    if ((cause as { code?: unknown } | null)?.code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new BackstitchError(
      'CONFIG_INVALID',
      'kafka: the package kafkajs is not installed (npm install kafkajs)',
      {
        cause,
      },
    )
  })
  return kafkajs({
    brokers,
    ...(ssl !== undefined && { ssl }),
    // The same fields; kafkajs has one type for each mechanism.
    ...(sasl && { sasl: sasl as NonNullable<KafkajsOptions['sasl']> }),
    ...(logger && { logger }),
  })
}
