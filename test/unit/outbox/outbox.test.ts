import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { CallerTransaction } from '../../../src/kernel/caller-transaction.ts'
import { event } from '../../../src/message/event.ts'
import { outboxOver } from '../../../src/outbox/outbox.ts'
import { recordingStore } from './recording-store.ts'

const Counted = event('counter.counted', {
  version: 1,
  key: (p) => p.key,
  payload: z.object({ key: z.string(), n: z.int() }),
})
const tx: CallerTransaction = { query: () => undefined }

describe('enqueue', () => {
  test('hands one message to the store, in the caller’s transaction', async () => {
    const { calls, store } = recordingStore()
    const message = Counted.create({ key: 'a', n: 1 })
    await outboxOver(store, { service: 'counting' }).enqueue(tx, message)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.tx).toBe(tx)
    expect(calls[0]?.rows).toMatchObject([{ id: message.id, aggregateid: 'a', payload: '{"key":"a","n":1}' }])
  })

  test('hands many over at once, in their order', async () => {
    const { calls, store } = recordingStore()
    const messages = Array.from({ length: 500 }, (_, n) => Counted.create({ key: `k${n % 3}`, n }))
    await outboxOver(store, { service: 'counting' }).enqueue(tx, messages)
    expect(calls).toHaveLength(1)
    expect(calls[0]?.rows.map(({ id }) => id)).toEqual(messages.map(({ id }) => id))
  })

  test('of nothing does nothing', async () => {
    const { calls, store } = recordingStore()
    await outboxOver(store, { service: 'counting' }).enqueue(tx, [])
    expect(calls).toEqual([])
  })

  test('of one bad message among good ones hands over none, and rejects rather than throws', async () => {
    const { calls, store } = recordingStore()
    const good = Counted.create({ key: 'a', n: 1 })
    const outbox = outboxOver(store, { service: 'counting' })
    const outcome = outbox.enqueue(tx, [good, { ...good, id: 'no uuid' }, good])
    await expect(outcome).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
    await expect(outbox.enqueue(tx, undefined as never)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
    expect(calls).toEqual([])
  })

  test('uses the codec and the limits that it was given', async () => {
    const { calls, store } = recordingStore()
    const outbox = outboxOver(store, {
      service: 'counting',
      codec: {
        contentType: 'application/x-count',
        encode: (body) => Buffer.from(JSON.stringify(body)),
        decode: () => undefined,
      },
      limits: { bytesMax: 20, depthMax: 2 },
    })
    await outbox.enqueue(tx, Counted.create({ key: 'a', n: 1 }))
    expect(calls[0]?.rows).toMatchObject([{ content_type: 'application/x-count' }])
    await expect(outbox.enqueue(tx, Counted.create({ key: 'a', n: 10_000 }))).rejects.toMatchObject({
      code: 'MESSAGE_TOO_LARGE',
    })
  })

  test('passes on what the store rejects with', async () => {
    const failure = new Error('connection terminated')
    const outbox = outboxOver(
      { ...recordingStore().store, insert: () => Promise.reject(failure) },
      { service: 'counting' },
    )
    await expect(outbox.enqueue(tx, Counted.create({ key: 'a', n: 1 }))).rejects.toBe(failure)
  })
})

test('an outbox knows whose it is', () => {
  expect(outboxOver(recordingStore().store, { service: 'counting' }).service).toBe('counting')
})
