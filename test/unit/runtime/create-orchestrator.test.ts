import { Pool } from 'pg'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer } from '../../../src/runtime/create-consumer.ts'
import { createOrchestrator, type OrchestratorOptions } from '../../../src/runtime/create-orchestrator.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { codeThrownBy } from '../thrown-code.ts'

const usual = { database: new Pool(), transport: inMemoryTransport() }
const orchestrator = (options: Partial<OrchestratorOptions>) => () =>
  createOrchestrator({ ...usual, sagas: [], ...options })

test('the usual options are taken', () => {
  expect(orchestrator({ batchSizeMax: 1, timerPauseMaxMs: 1 })).not.toThrow()
})

test.each<Partial<OrchestratorOptions>>([
  // It would take no records, and pass over them.
  { batchSizeMax: 0 },
  { batchSizeMax: Number.NaN },
  // It would never look at its timers again.
  { timerPauseMaxMs: Number.NaN },
  // It would look without a pause.
  { setAsideIntervalMs: 0 },
  { transactionMsMax: -1 },
  { partitionsConcurrentMax: 0 },
  { sessionTimeoutMs: 1.5 },
])('an orchestrator refuses %o when it is made', (options) => {
  expect(codeThrownBy(orchestrator(options))).toBe('CONFIG_INVALID')
})

test('so does a consumer', () => {
  const Placed = event('order.placed', { version: 1, key: () => 'k', payload: z.object({}) })
  const handlers = [on(Placed, () => undefined)]
  expect(codeThrownBy(() => createConsumer({ ...usual, group: 'g', handlers, concurrencyMax: 0 }))).toBe(
    'CONFIG_INVALID',
  )
})
