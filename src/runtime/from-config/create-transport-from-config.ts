import type { KafkajsOptions } from '../../kafka/kafkajs/options.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { KafkaTransport } from '../../transport/transport.ts'
import type { Config } from '../config.ts'

/** What every driver is given. */
type DriverOptions = {
  readonly brokers: readonly string[]
  readonly ssl?: NonNullable<Config['kafka']['ssl']>
  readonly sasl?: NonNullable<Config['kafka']['sasl']>
  readonly compression?: NonNullable<Config['kafka']['compression']>
  readonly logger?: Logger
}

type Driver = {
  /** Its package of npm. */
  readonly peer: string
  readonly load: () => Promise<(options: DriverOptions) => KafkaTransport>
}

const drivers: Readonly<Record<Config['kafka']['driver'], Driver>> = {
  kafkajs: {
    peer: 'kafkajs',
    load: async () => {
      const { kafkajs } = await import('../../kafka/kafkajs/index.ts')
      // the same fields; kafkajs has one type for each mechanism
      return ({ sasl, ...options }) =>
        kafkajs({ ...options, ...(sasl && { sasl: sasl as NonNullable<KafkajsOptions['sasl']> }) })
    },
  },
  platformatic: {
    peer: '@platformatic/kafka',
    load: async () => (await import('../../kafka/platformatic/index.ts')).platformatic,
  },
}

/**
 * The transport of the configuration. Only the driver that it chooses is loaded, for drivers are optional peers.
 * @throws `CONFIG_INVALID` when no broker is given, or the driver’s package is not installed
 */
export async function createTransportFromConfig(config: Config, logger?: Logger): Promise<KafkaTransport> {
  const { brokers, driver, ssl, sasl, compression } = config.kafka
  if (brokers === undefined)
    throw new BackstitchError('CONFIG_INVALID', 'kafka.brokers: set it, or KAFKA_BROKERS, or --brokers')
  const { peer, load } = drivers[driver]
  const make = await load().catch((cause: unknown) => {
    if ((cause as { code?: unknown } | null)?.code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new BackstitchError(
      'CONFIG_INVALID',
      `kafka.driver: the package ${peer} is not installed (npm install ${peer})`,
      { cause },
    )
  })
  return make({
    brokers,
    ...(ssl !== undefined && { ssl }),
    ...(sasl && { sasl }),
    ...(compression && { compression }),
    ...(logger && { logger }),
  })
}
