import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import type { PlatformaticOptions } from '../../../src/kafka/platformatic/index.ts'
import { platformatic } from '../../../src/kafka/platformatic/index.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'

/** Options that every driver takes. */
export type DriverOptions = Omit<PlatformaticOptions, 'sasl' | 'ssl'>

/** The drivers that have a real broker behind them, by name. */
export const realDrivers: Readonly<Record<string, (options: DriverOptions) => KafkaTransport>> = {
  kafkajs,
  platformatic,
}

/** For `describe.each`. */
export const eachDriver = Object.entries(realDrivers).map(([name, driver]) => ({ name, driver }))
