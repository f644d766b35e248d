import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Codec } from '../../../src/message/codec.ts'
import type { Message } from '../../../src/message/message.ts'
import { outboxOver } from '../../../src/outbox/outbox.ts'
import { pgOutboxStore } from '../../../src/postgres/pg-outbox-store.ts'
import { Noted, type OutboxDatabase, outboxDatabase } from './outbox-database.ts'

let database: OutboxDatabase
beforeAll(async () => {
  database = await outboxDatabase()
})
afterEach(async () => {
  await database.takeRows()
})
afterAll(() => database.close())

async function payloadsOf(messages: readonly Message[]): Promise<unknown[]> {
  await database.transaction((client) => database.outbox.enqueue(client, messages))
  return (await database.takeRows('payload')).map(({ payload }) => payload)
}

describe('a body in JSON', () => {
  test('is stored exactly as it was written: order of keys, numbers, escapes', async () => {
    const body = {
      z: 1,
      a: 0.1,
      b: -0,
      '10': 1e21,
      '2': Number.MAX_SAFE_INTEGER,
      e: '\u0000\ud800\u007f\u2028€😀"\\\r\n',
    }
    const message = Noted.create({ key: 'a', text: body })
    const [payload] = await payloadsOf([message])
    expect(payload).toBe(JSON.stringify({ key: 'a', text: body }))
  })

  test('is stored exactly whatever it is', async () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 50 }), fc.jsonValue())
    await fc.assert(
      fc.asyncProperty(fc.array(text, { minLength: 1, maxLength: 50 }), async (texts) => {
        const messages = texts.map((it) => Noted.create({ key: 'a', text: it }))
        expect(await payloadsOf(messages)).toEqual(messages.map(({ body }) => JSON.stringify(body)))
      }),
      { numRuns: 30 },
    )
  })

  test('may hold 100,000 keys or 900,000 bytes', async () => {
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [i.toString(36), 0]))
    const long = 'x'.repeat(899_950)
    const lengths = (
      await payloadsOf([Noted.create({ key: 'a', text: wide }), Noted.create({ key: 'a', text: long })])
    ).map((payload) => String(payload).length)
    expect(lengths).toEqual([wide, long].map((it) => JSON.stringify({ key: 'a', text: it }).length))
  })
})

describe('a body in bytes', () => {
  const raw: Codec = {
    contentType: 'application/octet-stream',
    encode: (body) => Buffer.from(body as Uint8Array),
    decode: (bytes) => bytes,
  }
  const outbox = outboxOver(pgOutboxStore('backstitch'), { service: 'notes', codec: raw })
  const carrying = (bytes: Uint8Array): Message => ({ ...Noted.create({ key: 'a', text: 0 }), body: bytes })

  test('is stored byte for byte, with its content type and without a text beside it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 20 }),
        async (bodies) => {
          await database.transaction((client) => outbox.enqueue(client, bodies.map(carrying)))
          expect(await database.takeRows('payload, payload_binary, content_type')).toEqual(
            bodies.map((bytes) => ({
              payload: null,
              payload_binary: Buffer.from(bytes),
              content_type: 'application/octet-stream',
            })),
          )
        },
      ),
      { numRuns: 30 },
    )
  })

  test('may be empty, which is no tombstone', async () => {
    await database.transaction((client) => outbox.enqueue(client, carrying(new Uint8Array())))
    expect(await database.takeRows('payload_binary')).toEqual([{ payload_binary: Buffer.alloc(0) }])
  })
})

test('a tombstone has neither', async () => {
  await database.transaction((client) => database.outbox.enqueue(client, Noted.tombstone('gone')))
  expect(await database.takeRows('aggregateid, payload, payload_binary')).toEqual([
    { aggregateid: 'gone', payload: null, payload_binary: null },
  ])
})

test('keys and headers of any writing are stored as they are', async () => {
  const storable = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
    .filter((it) => it.isWellFormed() && !it.includes('\0'))
  await fc.assert(
    fc.asyncProperty(
      storable,
      fc.dictionary(
        storable.map((it) => `x-${it}`),
        storable,
        { maxKeys: 20 },
      ),
      async (key, headers) => {
        await database.transaction((client) =>
          database.outbox.enqueue(client, Noted.create({ key, text: 0 }, { headers })),
        )
        const [row] = await database.takeRows('aggregateid, headers')
        expect(row).toEqual({
          aggregateid: key,
          headers: Object.keys(headers).length > 0 ? { ...headers } : null,
        })
      },
    ),
    { numRuns: 30 },
  )
})

test('the context has its columns, its time to the microsecond whatever the zone of the session', async () => {
  const saga = {
    id: Noted.create({ key: 'a', text: 0 }).id,
    name: 'place-order',
    step: 'reserve',
    round: 2,
    direction: 'undo',
    attempt: 3,
  } as const
  const context = {
    correlationId: saga.id,
    causationId: saga.id,
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    tracestate: 'a=1',
    saga,
    replyTo: 'orchestrator.reply',
    outcome: 'rejected.outOfStock',
    expiresAtUs: 1_732_434_600_123_457n,
  }
  await database.transaction(async (client) => {
    await client.query(`set local timezone to 'Asia/Kolkata'`)
    await database.outbox.enqueue(client, Noted.create({ key: 'a', text: 0 }, { context }))
  })
  const columns = `correlation_id, causation_id, traceparent, tracestate, saga_id, saga_name, saga_step, saga_round, saga_direction,
    saga_attempt, reply_to, outcome, expires_at::text, (extract(epoch from expires_at) * 1000000)::bigint::text as expires_us`
  expect(await database.takeRows(columns)).toEqual([
    {
      correlation_id: saga.id,
      causation_id: saga.id,
      traceparent: context.traceparent,
      tracestate: 'a=1',
      saga_id: saga.id,
      saga_name: 'place-order',
      saga_step: 'reserve',
      saga_round: 2,
      saga_direction: 'undo',
      saga_attempt: 3,
      reply_to: 'orchestrator.reply',
      outcome: 'rejected.outOfStock',
      expires_at: '2024-11-24 07:50:00.123457',
      expires_us: '1732434600123457',
    },
  ])
})

test('the largest expiry that is taken is stored to the microsecond', async () => {
  const expiresAtUs = 9_007_199_254_740_991n
  await database.transaction((client) =>
    database.outbox.enqueue(client, Noted.create({ key: 'a', text: 0 }, { context: { expiresAtUs } })),
  )
  const rows = await database.takeRows('(extract(epoch from expires_at) * 1000000)::bigint::text as us')
  expect(rows).toEqual([{ us: String(expiresAtUs) }])
})
