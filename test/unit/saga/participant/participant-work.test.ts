import { expect, test } from 'vitest'
import { z } from 'zod'
import { newId } from '../../../../src/kernel/ids.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { command } from '../../../../src/message/command.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { handle } from '../../../../src/saga/participant/command-handler.ts'
import type { ParticipantStore, StepKey } from '../../../../src/saga/participant/participant-store.ts'
import { participantWork } from '../../../../src/saga/participant/participant-work.ts'
import { engineOver } from '../../inbox/engine/engine-of-orders.ts'
import { feed, until } from '../../inbox/hand-fed.ts'
import { messageHeaders, recordWith } from '../../inbox/records.ts'

const Reserve = command('stock.reserve', {
  version: 1,
  key: (r) => r.orderId,
  request: z.object({ orderId: z.string() }),
  ok: z.object({ reservationId: z.string() }),
})
const sagaId = newId()

/** Steps in memory: enough where no transaction is rolled back. */
function storeInMemory(): ParticipantStore {
  const rows: Parameters<ParticipantStore['record']>[1][] = []
  return {
    history: async (_, { sagaId, step, round, direction }: StepKey, expiresAtUs) => {
      const ofStep = rows.filter((row) => row.sagaId === sagaId && row.step === step)
      const own = ofStep.find((row) => row.round === round && row.direction === direction)
      return { records: ofStep, expired: expiresAtUs === 1n, ...(own && { own }) }
    },
    isPast: async (_, timeUs) => timeUs === 1n,
    record: async (_, row) => void rows.push(row),
  }
}

function participant() {
  const calls: string[] = []
  const { engine, ...rest } = engineOver(({ logger, outbox }) =>
    participantWork({
      service: 'stock',
      group: 'stock',
      handlers: [
        handle(Reserve, ({ orderId }, { ok, saga, attempt }) => {
          calls.push(`${orderId}, attempt ${saga?.attempt} of the saga, try ${attempt}`)
          return ok({ reservationId: 'r1' })
        }),
      ],
      topicPrefix: 'outbox.event.',
      codec: jsonCodec,
      limits: defaultBodyLimits,
      store: storeInMemory(),
      outbox,
      logger,
    }),
  )
  return { ...rest, engine, calls }
}

const reserve = (offset: bigint, headers: Record<string, string> = {}) =>
  recordWith({
    topic: 'outbox.event.stock.command',
    offset,
    value: { orderId: 'o1' },
    headers: messageHeaders('stock.reserve', {
      'saga-id': sagaId,
      'saga-step': 'reserve',
      'saga-attempt': String(offset + 1n),
      'reply-to': 'orchestrator.reply',
      ...headers,
    }),
  })

test('the points of a participant bear its name', async () => {
  const { engine, points } = participant()
  await feed(engine, [reserve(0n), reserve(1n, { type: 'stock.count' })])
  await until('the last point', () => points.at(-1) === 'participant.offsets.after')
  expect(points).toEqual([
    'participant.commit.before',
    'participant.commit.after',
    'participant.deadletter.before',
    'participant.deadletter.after',
    'participant.offsets.before',
    'participant.offsets.after',
  ])
})

test('attempts share one effect, and each is answered with its own number', async () => {
  const { engine, calls, committed } = participant()
  await feed(engine, [reserve(0n), reserve(1n), reserve(2n)])
  expect(calls).toEqual(['o1, attempt 1 of the saga, try 1'])
  expect(committed.sent.map(({ context, body }) => [context.saga?.attempt, context.outcome, body])).toEqual(
    [1, 2, 3].map((attempt) => [attempt, 'ok', { reservationId: 'r1' }]),
  )
  expect(new Set(committed.sent.map(({ id }) => id)).size).toBe(3)
})

test('a command whose time is over leaves a line, and nothing else', async () => {
  const { engine, calls, committed, lines } = participant()
  await feed(engine, [reserve(0n, { 'expires-at': '1' })])
  expect({ calls, sent: committed.sent, letters: committed.letters }).toEqual({
    calls: [],
    sent: [],
    letters: [],
  })
  expect(lines).toMatchObject([
    { level: 'warn', message: 'refused a command', fields: { reason: 'expired' } },
  ])
})

test('all commands of one step stand in one line, in READ COMMITTED, and no others do', () => {
  const { work } = participant()
  const lineOf = (headers: Record<string, string>): string | undefined => {
    const reading = work.read(reserve(0n, headers))
    return reading.kind === 'message' ? work.lockOn?.(reading) : reading.kind
  }
  const line = lineOf({})
  expect(line).toContain(sagaId)
  expect(lineOf({ 'saga-direction': 'undo', 'saga-round': '2', 'saga-attempt': '5' })).toBe(line)
  expect(lineOf({ 'saga-step': 'other' })).not.toBe(line)
  expect(lineOf({ 'saga-id': newId() })).not.toBe(line)
  expect(work.isolation).toBe('read committed')
})
