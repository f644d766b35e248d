import { silentLogger } from '../../kernel/logger.ts'
import type { KafkaTransport } from '../../transport/transport.ts'
import { PlatformaticAdmin } from './admin.ts'
import { clientSettings } from './client/client-settings.ts'
import { codecOf } from './encoding/codec.ts'
import type { PlatformaticOptions } from './options.ts'
import { PlatformaticPublisher, publishesUnderWayMax } from './publisher.ts'
import { platformaticSubscriber } from './subscriber.ts'

/**
 * The fast transport: connections, TLS, SASL and requests of `@platformatic/kafka` (an optional peer), record batches encoded and decoded
 * here. Nothing is connected before a publisher is opened, a subscriber run or an admin asked; each has connections of its own. Needs
 * brokers from 3.1 on, and Node 22.22 or 24.6.
 *
 * @example
 * const transport = platformatic({ brokers: ['broker-1:9092'], ssl: true, sasl: { mechanism: 'plain', username, password } })
 *
 * @throws `CONFIG_INVALID` when the brokers are not `host:port` each
 */
export function platformatic(options: PlatformaticOptions): KafkaTransport {
  const settings = clientSettings(options)
  const codec = codecOf(options.compression)
  return {
    name: 'platformatic',
    capabilities: {
      idempotent: true,
      perRecordOutcome: true,
      batchSizeMax: 10_000,
      publishesUnderWayMax,
      fencing: true,
      staticMembership: true,
    },
    publisher: ({ succeeds } = {}) => new PlatformaticPublisher(settings, codec, succeeds),
    subscriber: (member) => platformaticSubscriber(settings, options.logger ?? silentLogger, member),
    admin: () => new PlatformaticAdmin(settings),
  }
}
