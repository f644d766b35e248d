import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { CallerTransaction } from '../../../src/kernel/caller-transaction.ts'
import { event } from '../../../src/message/event.ts'
import { dueTimeOf, type NotBefore } from '../../../src/outbox/due-time.ts'
import { outboxOver } from '../../../src/outbox/outbox.ts'
import { recordingStore } from './recording-store.ts'
import { codeThrownBy } from '../thrown-code.ts'

const now = Date.UTC(2026, 10, 24)

describe('the time that a message is held back for', () => {
  test('is a time, or a while by the database’s clock', () => {
    expect(dueTimeOf(new Date(now + 1_500), now)).toEqual({ due_at_ms: now + 1_500 })
    expect(dueTimeOf('15m', now)).toEqual({ after_ms: 900_000 })
    expect(dueTimeOf('250ms', now)).toEqual({ after_ms: 250 })
  })

  test('is over for a time that has come', () => {
    expect(dueTimeOf(new Date(now), now)).toBeUndefined()
    expect(dueTimeOf(new Date(0), now)).toBeUndefined()
  })

  test.each<unknown>([new Date(Number.NaN), new Date(8.64e15), '40000d', '-1s', 'soon', '', 5, null])(
    'cannot be %s',
    (value) => {
      expect(codeThrownBy(() => dueTimeOf(value as NotBefore, now))).toBe('MESSAGE_INVALID')
    },
  )
})

describe('a message with notBefore', () => {
  const tx: CallerTransaction = { query: () => undefined }
  const Reminded = event('order.reminded', {
    version: 1,
    key: (p) => p.key,
    payload: z.object({ key: z.string() }),
  })
  const reminded = Reminded.create({ key: 'a' })

  test('is deferred, and not put into the outbox', async () => {
    const { store, calls, deferred } = recordingStore()
    await outboxOver(store, { service: 'orders' }).enqueue(tx, reminded, { notBefore: '1h' })
    expect(calls).toEqual([])
    expect(deferred).toMatchObject([{ tx, rows: [{ id: reminded.id, after_ms: 3_600_000 }] }])
  })

  test('whose time has come goes into the outbox', async () => {
    const { store, calls, deferred } = recordingStore()
    await outboxOver(store, { service: 'orders' }).enqueue(tx, reminded, { notBefore: new Date(0) })
    expect(deferred).toEqual([])
    expect(calls).toMatchObject([{ rows: [{ id: reminded.id }] }])
  })

  test('waits in a unit of work with the others', async () => {
    const { store, calls, deferred } = recordingStore()
    const unit = outboxOver(store, { service: 'orders' }).unitOfWork(tx)
    unit.enqueue(reminded, { notBefore: '1h' })
    unit.enqueue(Reminded.create({ key: 'b' }))
    expect([calls, deferred]).toEqual([[], []])
    await unit.flush()
    expect(deferred).toMatchObject([{ rows: [{ aggregateid: 'a' }] }])
    expect(calls).toMatchObject([{ rows: [{ aggregateid: 'b' }] }])
  })
})
