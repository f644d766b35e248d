import { describe, expect, test } from 'vitest'
import { kafkaConsole } from '../../../dev-services/index.ts'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import { platformatic } from '../../../src/kafka/platformatic/index.ts'
import type { Compression } from '../../../src/transport/compression.ts'
import { kafkaBrokers, uniqueName } from '../../support/services.ts'
import { harnessFor, numbered } from './transport-harness.ts'

const drivers = { kafkajs, platformatic }
type Driver = keyof typeof drivers

let publishing: { readonly driver: Driver; readonly compression: Compression }
const subject = (make: () => ReturnType<typeof kafkajs>) => () => ({
  transport: make(),
  uniqueName,
  deleteTopic: () => Promise.reject(new Error('not needed here')),
})
const compressing = harnessFor(
  subject(() => drivers[publishing.driver]({ brokers: kafkaBrokers(), compression: publishing.compression })),
)
const readers = {
  kafkajs: harnessFor(subject(() => kafkajs({ brokers: kafkaBrokers() }))),
  platformatic: harnessFor(subject(() => platformatic({ brokers: kafkaBrokers() }))),
}

const cases: readonly (readonly [Driver, Compression, readonly Driver[]])[] = [
  ['platformatic', 'gzip', ['kafkajs', 'platformatic']],
  ['platformatic', 'snappy', ['kafkajs', 'platformatic']],
  ['platformatic', 'lz4', ['kafkajs', 'platformatic']],
  ['platformatic', 'zstd', ['kafkajs', 'platformatic']],
  ['kafkajs', 'gzip', ['kafkajs', 'platformatic']],
  ['kafkajs', 'zstd', ['kafkajs', 'platformatic']],
]

describe('compressed batches', () => {
  test.each(cases)(
    'of %s with %s are read by %o and by the Java client',
    async (driver, compression, read) => {
      publishing = { driver, compression }
      const { newTopic, publish } = compressing()
      const topic = await newTopic(1)
      await publish(numbered(topic, 500))
      const expected = Array.from({ length: 500 }, (_, n) => String(n))
      for (const reader of read) {
        const records = await readers[reader]().read([topic], 500)
        expect(records.map(({ value }) => String(value))).toEqual(expected)
      }
      const args = ['--topic', topic, '--partition', '0', '--offset', 'earliest', '--max-messages', '500']
      const output = await kafkaConsole({ brokers: kafkaBrokers(), args })
      expect(output.toString().trimEnd().split('\n')).toEqual(expected)
    },
  )

  test.each(['snappy', 'lz4'] satisfies Compression[])(
    'kafkajs says that it has no codec to write %s',
    (compression) => {
      expect(() => kafkajs({ brokers: kafkaBrokers(), compression })).toThrow(
        expect.objectContaining({ code: 'CONFIG_INVALID' }),
      )
    },
  )
})
