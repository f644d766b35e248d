import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { CallerTransaction } from '../../../src/kernel/caller-transaction.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import { event } from '../../../src/message/event.ts'
import type { BacklogLimit } from '../../../src/outbox/backlog-guard.ts'
import { outboxOver } from '../../../src/outbox/outbox.ts'
import { recordingStore } from './recording-store.ts'
import { codeThrownBy } from '../thrown-code.ts'

const Counted = event('counter.counted', {
  version: 1,
  key: (p) => p.key,
  payload: z.object({ key: z.string() }),
})
const message = Counted.create({ key: 'a' })
const tx: CallerTransaction = { query: () => undefined }

function outboxWith(backlog: BacklogLimit | undefined) {
  const recording = recordingStore()
  const pauses: number[] = []
  const time = { ms: 0 }
  const clock: Clock = { now: () => time.ms, pause: async (ms) => void pauses.push(ms) }
  const outbox = outboxOver(recording.store, { service: 'counting', clock, ...(backlog && { backlog }) })
  return { ...recording, pauses, time, outbox, enqueue: () => outbox.enqueue(tx, message) }
}

describe('an outbox with a limit of its backlog', () => {
  test('takes messages up to the limit, and refuses them beyond, before anything is written', async () => {
    const { enqueue, state, calls, time } = outboxWith({ ageMsMax: 60_000 })
    state.ageMs = 60_000
    await enqueue()
    time.ms += 1_000
    state.ageMs = 60_001
    await expect(enqueue()).rejects.toMatchObject({ code: 'OUTBOX_BACKLOGGED', retriable: true })
    expect(calls).toHaveLength(1)
    time.ms += 1_000
    state.ageMs = 10
    await enqueue()
    expect(calls).toHaveLength(2)
  })

  test('looks at most once in a while, whatever it found', async () => {
    const { enqueue, state, time } = outboxWith({ ageMsMax: 10, lookEveryMs: 500 })
    for (let n = 0; n < 100; n++) await enqueue()
    expect(state.looks).toBe(1)
    time.ms = 499
    await enqueue()
    expect(state.looks).toBe(1)
    state.ageMs = 11
    time.ms = 500
    await expect(enqueue()).rejects.toMatchObject({ code: 'OUTBOX_BACKLOGGED' })
    await expect(enqueue()).rejects.toMatchObject({ code: 'OUTBOX_BACKLOGGED' })
    expect(state.looks).toBe(2)
  })

  test('may wait instead, the longer the older the oldest message is, a second at most', async () => {
    const { enqueue, state, pauses, calls, time } = outboxWith({ ageMsMax: 100, beyond: 'slow' })
    for (const ageMs of [100, 110, 150, 200, 90_000]) {
      state.ageMs = ageMs
      time.ms += 1_000
      await enqueue()
    }
    expect(pauses.map(Math.round)).toEqual([100, 500, 1_000, 1_000])
    expect(calls).toHaveLength(5)
  })

  test('refuses a unit of work when it is written', async () => {
    const { outbox, state, calls } = outboxWith({ ageMsMax: 100 })
    state.ageMs = 101
    const unit = outbox.unitOfWork(tx)
    unit.enqueue(message)
    await expect(unit.flush()).rejects.toMatchObject({ code: 'OUTBOX_BACKLOGGED' })
    expect(calls).toEqual([])
  })

  test('never looks for messages that wait for their time', async () => {
    const { outbox, state, deferred } = outboxWith({ ageMsMax: 100 })
    await outbox.enqueue(tx, message, { notBefore: '1h' })
    expect([state.looks, deferred.length]).toEqual([0, 1])
  })

  test.each<BacklogLimit>([{ ageMsMax: 0 }, { ageMsMax: Number.NaN }, { ageMsMax: 1, lookEveryMs: -1 }])(
    'cannot be %o',
    (backlog) => {
      expect(codeThrownBy(() => outboxWith(backlog))).toBe('CONFIG_INVALID')
    },
  )
})

test('without a limit it never looks', async () => {
  const { enqueue, state } = outboxWith(undefined)
  state.ageMs = 1e9
  await enqueue()
  expect(state.looks).toBe(0)
})
