import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { command } from '../../../../src/message/command.ts'
import { commandMessage } from '../../../../src/saga/transition/command-message.ts'
import {
  causeOfMessage,
  causeOfOperator,
  causeOfStart,
  causeOfTimer,
  type SagaCause,
} from '../../../../src/saga/transition/saga-cause.ts'

const Reserve = command('stock.reserve', {
  version: 2,
  key: () => 'k',
  request: z.object({}),
  ok: z.object({}),
})
const sagaId = '01900000-0000-7000-8000-000000000001'
const saga = { id: sagaId, name: 's', orchestrator: 'main' }
const effect = {
  kind: 'send',
  command: Reserve,
  request: { a: 1 },
  key: 'k-1',
  step: 'reserve',
  direction: 'do',
  round: 1,
  attempt: 1,
} as const
const replyId = '01900000-0000-8000-8000-00000000abcd'
const reply = { id: replyId, createdAtUs: 1_780_000_000_123_456n, context: {} }
const idOf = (cause: SagaCause, changes: object = {}): string =>
  commandMessage(saga, { ...effect, ...changes }, cause).id
const timeOf = (id: string): number => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16)

describe('commandMessage', () => {
  it('says where it comes from and where the answer goes', () => {
    const cause = causeOfMessage({
      ...reply,
      context: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', tracestate: 'x=y' },
    })
    expect(commandMessage(saga, effect, cause)).toMatchObject({
      aggregateType: 'stock.command',
      key: 'k-1',
      type: 'stock.reserve',
      version: 2,
      body: { a: 1 },
      headers: {},
      context: {
        correlationId: sagaId,
        causationId: replyId,
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'x=y',
        saga: { id: sagaId, name: 's', step: 'reserve', round: 1, direction: 'do', attempt: 1 },
        replyTo: 'main.reply',
      },
    })
  })

  it('has the same id for the same cause, and another for whatever differs', () => {
    const cause = causeOfMessage(reply)
    const ids = [
      idOf(cause),
      idOf(cause, { step: 'other' }),
      idOf(cause, { direction: 'undo' }),
      idOf(cause, { round: 2 }),
      idOf(cause, { attempt: 2 }),
      idOf(causeOfMessage({ ...reply, id: sagaId })),
      commandMessage({ ...saga, id: replyId }, effect, cause).id,
    ]
    expect(idOf(causeOfMessage(reply))).toBe(ids[0])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('begins with the time of its cause: when the reply was written, when the timer was due, when the saga began', () => {
    expect(timeOf(idOf(causeOfMessage(reply)))).toBe(1_780_000_000_123)
    const { createdAtUs: _, ...foreign } = reply
    expect(timeOf(idOf(causeOfMessage(foreign)))).toBe(timeOf(replyId))
    // A foreign producer may write any number.
    expect(timeOf(idOf(causeOfMessage({ ...reply, createdAtUs: 10n ** 18n - 1n })))).toBe(timeOf(replyId))
    const timer = {
      saga_id: sagaId,
      step: 'reserve',
      direction: 'do',
      round: 1,
      attempt: 1,
      dueAtMs: 1_790_000_000_000,
    } as const
    expect(timeOf(idOf(causeOfTimer(timer)))).toBe(1_790_000_000_000)
    expect(idOf(causeOfTimer(timer))).toBe(idOf(causeOfTimer({ ...timer })))
    expect(timeOf(idOf(causeOfStart(sagaId)))).toBe(timeOf(sagaId))
    expect(Math.abs(timeOf(idOf(causeOfOperator())) - Date.now())).toBeLessThan(10_000)
    expect(commandMessage(saga, effect, causeOfTimer(timer)).context).not.toHaveProperty('causationId')
  })
})
