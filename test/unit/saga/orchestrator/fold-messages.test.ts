import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { command } from '../../../../src/message/command.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { sagaBuilder } from '../../../../src/saga/definition/saga-builder.ts'
import { advance, startSaga } from '../../../../src/saga/machine/saga-machine.ts'
import { foldMessages } from '../../../../src/saga/orchestrator/fold-messages.ts'
import type { SagaMessage } from '../../../../src/saga/orchestrator/saga-message.ts'
import type { SagaInstance } from '../../../../src/saga/saga-store.ts'
import { definitionRegistry } from '../../../../src/saga/transition/definition-registry.ts'
import { sagaWriter } from '../../../../src/saga/transition/saga-writer.ts'
import type { ReceivedRecord } from '../../../../src/transport/subscriber.ts'

const Step = (name: string) =>
  command(`shop.${name}`, {
    version: 1,
    key: () => 'k',
    request: z.object({ text: z.string() }),
    ok: z.object({ n: z.int() }),
  })
const definition = sagaBuilder('s', {
  version: 1,
  input: z.object({ key: z.string(), text: z.string() }),
  key: ({ key }) => key,
})
  .step('a', { send: Step('a'), with: ({ input }) => ({ text: input.text }) })
  .step('b', { send: Step('b'), with: ({ input, done }) => ({ text: `${input.text} ${done.a.n}` }) })
  .build()

const sagaId = '01900000-0000-7000-8000-000000000001'
const machine = { startSaga, advance }
let ids = 0
const nextId = (): string => `01900000-0000-7000-8000-${String(++ids).padStart(12, '0')}`

function record(offset = 0n): ReceivedRecord {
  return {
    topic: 't',
    partition: 0,
    offset,
    key: null,
    value: Buffer.from('{}'),
    headers: [],
    timestampMs: 0,
  }
}

function reply(
  step: string,
  outcome: string,
  body: unknown,
  more: { id?: string; saga?: string } = {},
): SagaMessage {
  const saga = { id: more.saga ?? sagaId, name: 's', step, round: 1, direction: 'do', attempt: 1 } as const
  return {
    kind: 'reply',
    record: record(),
    head: { id: more.id ?? nextId(), context: {} },
    saga,
    outcome,
    body,
  }
}

function instance(changes: Partial<SagaInstance> = {}): SagaInstance {
  const { state } = startSaga(definition, { key: 'k', text: 'x' })
  return {
    id: sagaId,
    name: 's',
    version: 1,
    hash: definition.hash,
    businessKey: 'k',
    orchestrator: 'orchestrator',
    status: 'running',
    state: JSON.stringify(state),
    revision: 1,
    ...changes,
  }
}

function fold(
  messages: readonly SagaMessage[],
  instances: readonly SagaInstance[],
  more: { stale?: ReadonlySet<string>; bytesMax?: number } = {},
) {
  const writer = sagaWriter({
    codec: jsonCodec,
    limits: { ...defaultBodyLimits, ...(more.bytesMax !== undefined && { bytesMax: more.bytesMax }) },
  })
  const outcome = foldMessages(
    messages,
    { instances: new Map(instances.map((it) => [it.id, it])), isFresh: (id) => !more.stale?.has(id) },
    { group: 'orchestrator', registry: definitionRegistry([definition]), machine, writer },
  )
  return { ...outcome, writes: writer.writes(), earliestTimerMs: writer.earliestTimerMs }
}

describe('foldMessages', () => {
  it('folds the messages of a saga into one row, with the history of each and the timer that is left', () => {
    const { writes } = fold([reply('a', 'ok', { n: 1 }), reply('b', 'ok', { n: 2 })], [instance()])
    expect(writes.updated).toMatchObject([
      { id: sagaId, expected_revision: 1, revision: 3, status: 'completed' },
    ])
    expect(writes.history.map(({ revision, ordinal, kind }) => [revision, ordinal, kind])).toEqual([
      [2, 0, 'ok'],
      [2, 1, 'sent'],
      [3, 0, 'ok'],
      [3, 1, 'completed'],
    ])
    expect(writes.commands.map(({ payload }) => payload)).toEqual(['{"text":"x 1"}'])
    // b was armed and cancelled in the same batch: only what is left is written.
    expect(writes.timers).toEqual([])
    expect(writes.cancelled).toEqual([
      { saga_id: sagaId, step: 'a', direction: 'do' },
      { saga_id: sagaId, step: 'b', direction: 'do' },
    ])
  })

  it('passes over what was claimed before, and the second of two equal ids', () => {
    const stale = reply('a', 'ok', { n: 1 })
    const fresh = reply('a', 'ok', { n: 2 })
    const { writes } = fold([stale, fresh, fresh], [instance()], { stale: new Set([stale.head.id]) })
    expect(writes.updated).toMatchObject([{ revision: 2 }])
    expect(writes.commands[0]!.payload).toBe('{"text":"x 2"}')
  })

  it('writes nothing for an answer that moves nothing', () => {
    const { writes, deadLetters } = fold([reply('zzz', 'ok', { n: 1 })], [instance()])
    expect(writes).toMatchObject({ updated: [], history: [], commands: [] })
    expect(deadLetters).toEqual([])
  })

  it('makes dead letters of a reply for no saga and of what cannot be read', () => {
    const unreadable: SagaMessage = {
      kind: 'unreadable',
      record: record(3n),
      head: { id: nextId(), type: 'x' },
      failure: new Error('no headers'),
    }
    const { deadLetters } = fold([reply('a', 'ok', {}, { saga: nextId() }), unreadable], [instance()])
    expect(deadLetters).toMatchObject([
      { reasonCode: 'REPLY_UNKNOWN', attempts: 1, group: 'orchestrator' },
      { messageId: unreadable.head.id, type: 'x', reason: 'no headers', attempts: 0, offset: 3n },
    ])
  })

  it('sets messages aside for a version, or a form of it, that the process lacks', () => {
    const other = instance({ id: nextId(), version: 2 })
    const foreign = instance({ id: nextId(), hash: 'other', state: JSON.stringify({ steps: { gone: {} } }) })
    const start: SagaMessage = {
      kind: 'start',
      record: record(),
      head: { id: nextId(), context: {} },
      request: { saga: 's', version: 3, id: nextId(), key: 'k', input: {} },
    }
    const messages = [
      reply('a', 'ok', {}, { saga: other.id }),
      reply('a', 'ok', {}, { saga: foreign.id }),
      start,
    ]
    const { setAside, writes, deadLetters } = fold(messages, [other, foreign])
    expect(setAside.map(({ messageId, version }) => [messageId, version])).toEqual([
      [messages[0]!.head.id, 2],
      [messages[1]!.head.id, 1],
      [start.head.id, 3],
    ])
    expect(writes.updated).toEqual([])
    expect(deadLetters).toEqual([])
  })

  it('parks the saga of a message whose command is too large, with nothing of that transition written', () => {
    const big = instance({
      state: JSON.stringify(startSaga(definition, { key: 'k', text: 'x'.repeat(200) }).state),
    })
    const small = instance({ id: nextId() })
    const messages = [reply('a', 'ok', { n: 1 }), reply('a', 'ok', { n: 1 }, { saga: small.id })]
    const { writes, parked, deadLetters } = fold(messages, [big, small], { bytesMax: 100 })
    expect(writes.updated).toMatchObject([
      {
        id: sagaId,
        status: 'parked',
        revision: 2,
        reason: expect.stringContaining('MESSAGE_TOO_LARGE') as string,
      },
      { id: small.id, status: 'running', revision: 2 },
    ])
    expect(JSON.parse(writes.updated[0]!.state)).toMatchObject({
      status: 'parked',
      stopped: [],
      steps: { a: { do: { status: 'unknown' } } },
    })
    expect(writes.history.filter(({ saga_id }) => saga_id === sagaId).map(({ kind }) => kind)).toEqual([
      'parked',
    ])
    expect(writes.commands.map(({ saga_id }) => saga_id)).toEqual([small.id])
    expect(writes.cancelled).toContainEqual({ saga_id: sagaId, step: 'a', direction: 'do' })
    expect(parked).toMatchObject([{ sagaId }])
    expect(deadLetters).toMatchObject([{ messageId: messages[0]!.head.id, reasonCode: 'MESSAGE_TOO_LARGE' }])
  })

  it('parks a saga whose state cannot be read, and leaves the state as it is', () => {
    const { writes, deadLetters } = fold([reply('a', 'ok', { n: 1 })], [instance({ state: '{' })])
    expect(writes.updated).toMatchObject([{ status: 'parked', state: '{', revision: 2 }])
    expect(deadLetters).toMatchObject([{ reasonCode: 'SAGA_MESSAGE_FAILED' }])
  })

  it('tells the earliest timer of a batch', () => {
    expect(fold([reply('a', 'ok', { n: 1 })], [instance()]).earliestTimerMs).toBe(30_000)
    expect(fold([], []).earliestTimerMs).toBe(Number.POSITIVE_INFINITY)
  })

  it('begins a saga for a start, under the id and the key that the message names', () => {
    const head = {
      id: nextId(),
      context: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' },
    }
    const id = nextId()
    const start: SagaMessage = {
      kind: 'start',
      record: record(),
      head,
      request: { saga: 's', version: 1, id, key: 'k-1', input: { key: 'k-1', text: 'x' } },
    }
    const { writes } = fold([start], [])
    expect(writes.created).toMatchObject([
      { id, business_key: 'k-1', revision: 1, hash: definition.hash, status: 'running' },
    ])
    expect(writes.commands).toMatchObject([
      {
        saga_id: id,
        causation_id: head.id,
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      },
    ])
  })
})
