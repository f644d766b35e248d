import pg from 'pg'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { createConsumer, event, on } from '../../../src/index.ts'
import { platformatic } from '../../../src/kafka/platformatic/index.ts'
import { inMemoryTransport } from '../../../src/testing/index.ts'

const OrderPlaced = event('order.placed', {
  version: 1,
  key: ({ orderId }) => orderId,
  payload: z.object({ orderId: z.string() }),
})
const consumer = (options: Pick<Parameters<typeof createConsumer>[0], 'transport' | 'instanceId'>) =>
  createConsumer({
    ...options,
    database: new pg.Pool(),
    group: 'billing',
    handlers: [on(OrderPlaced, async () => undefined)],
  })

test('a name of the process is refused where the transport knows no named members, or where it is none', () => {
  const transport = platformatic({ brokers: ['localhost:9092'] })
  const invalid = { code: 'CONFIG_INVALID', message: expect.stringContaining('instanceId') }
  expect(() => consumer({ transport: inMemoryTransport(), instanceId: 'pod-0' })).toThrow(
    expect.objectContaining(invalid),
  )
  expect(() => consumer({ transport, instanceId: 'pod 0' })).toThrow(expect.objectContaining(invalid))
  expect(consumer({ transport, instanceId: 'pod-0' }).name).toBe('consumer billing')
})
