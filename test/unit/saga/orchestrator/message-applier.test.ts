import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { messageApplier } from '../../../../src/saga/orchestrator/message-applier.ts'
import type { SagaMessage } from '../../../../src/saga/orchestrator/saga-message.ts'
import type { SagaWork } from '../../../../src/saga/orchestrator/saga-work.ts'
import type { SagaInstance, SagaStore } from '../../../../src/saga/saga-store.ts'
import { definitionRegistry } from '../../../../src/saga/transition/definition-registry.ts'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'
import type { SagaState } from '../../../../src/saga/machine/saga-state.ts'

const refusal = Object.assign(new Error('refused'), { code: '23514' })
const timeout = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' })
const overdue = new BackstitchError('DATABASE_UNREACHABLE', 'test', { details: { overdueAfterMs: 600 } })
const conflict = new BackstitchError('TRANSACTION_CONFLICT', 'test')
const definition = {
  name: 's',
  version: 1,
  hash: 'h',
  orchestrator: 'o',
  steps: [],
  graph: {},
} as unknown as SagaDefinition
const state: SagaState = { status: 'running', input: {}, stopped: [], steps: {} }

/** A store in memory whose writes fail as told; it keeps the transactions that were committed, each with its claims and its writes. */
function fakeStore(
  fails: (sagaIds: readonly string[], statuses: readonly string[], tries: number) => Error | undefined,
) {
  const committed: { claims: readonly string[]; parked: readonly string[]; letters: number }[] = []
  let tries = 0
  let open = { claims: [] as string[], parked: [] as string[], letters: 0 }
  const store = {
    receive: async (_tx: unknown, claims: readonly { id: string }[], sagaIds: readonly string[]) => {
      open.claims = claims.map(({ id }) => id)
      const instances = sagaIds.map((id): [string, SagaInstance] => [
        id,
        {
          id,
          name: 's',
          version: 1,
          hash: 'h',
          businessKey: id,
          orchestrator: 'o',
          status: 'running',
          state: JSON.stringify(state),
          revision: 1,
        },
      ])
      return { fresh: new Set(open.claims), instances: new Map(instances) }
    },
    write: async (_tx: unknown, { updated }: { updated: readonly { id: string; status: string }[] }) => {
      const thrown = fails(
        updated.map(({ id }) => id),
        updated.map(({ status }) => status),
        ++tries,
      )
      if (thrown) throw thrown
      open.parked = updated.filter(({ status }) => status === 'parked').map(({ id }) => id)
      return new Set(updated.map(({ id }) => id))
    },
    deadLetter: async (_tx: unknown, letters: readonly unknown[]) => void (open.letters = letters.length),
    isRefusal: (thrown: unknown) => thrown === refusal,
    isTooSlow: (thrown: unknown) => thrown === timeout,
  } as unknown as SagaStore
  const work: SagaWork = {
    group: 'o',
    store,
    transactions: {
      run: async (body) => {
        open = { claims: [], parked: [], letters: 0 }
        const result = await body({
          tx: {} as never,
          signal: new AbortController().signal,
          handling: (handler) => handler(),
        })
        committed.push(open)
        return result
      },
      abort: () => undefined,
    },
    registry: definitionRegistry([definition]),
    machine: {
      startSaga: () => ({ state, changed: true, effects: [] }),
      advance: (_definition, before) => ({
        state: before,
        changed: true,
        effects: [{ kind: 'record', entry: 'ok' }],
      }),
    },
    encoding: { codec: jsonCodec, limits: defaultBodyLimits },
    logger: silentLogger,
    signals: { reach: () => undefined },
    clock: { ...systemClock, pause: async () => undefined },
    committed: () => undefined,
  }
  const applier = messageApplier(work)
  return { apply: (batch: readonly SagaMessage[]) => applier.apply(batch), committed, tries: () => tries }
}

function message(n: number): SagaMessage {
  const record = {
    topic: 't',
    partition: 0,
    offset: BigInt(n),
    key: null,
    value: null,
    headers: [],
    timestampMs: 0,
  }
  const saga = { id: `saga-${n}`, name: 's', step: 'a', round: 1, direction: 'do', attempt: 1 } as const
  return { kind: 'reply', record, head: { id: `message-${n}`, context: {} }, saga, outcome: 'ok', body: {} }
}

const messages = (count: number): SagaMessage[] => Array.from({ length: count }, (_, n) => message(n))

describe('messageApplier', () => {
  it('applies a batch in one transaction, its claims sorted', async () => {
    const { apply, committed } = fakeStore(() => undefined)
    await apply([message(3), message(1), message(2), message(1)])
    expect(committed).toEqual([{ claims: ['message-1', 'message-2', 'message-3'], parked: [], letters: 0 }])
  })

  it('halves a batch that is refused until it has the one, parks that, and applies the others together', async () => {
    const { apply, committed } = fakeStore((ids, statuses) =>
      ids.includes('saga-5') && !statuses.includes('parked') ? refusal : undefined,
    )
    await apply(messages(8))
    expect(committed.map(({ claims }) => claims.length)).toEqual([4, 1, 1, 2])
    expect(committed[1]).toEqual({ claims: ['message-4'], parked: [], letters: 0 })
    expect(committed[2]).toEqual({ claims: ['message-5'], parked: ['saga-5'], letters: 1 })
  })

  it('keeps a message as a dead letter when its saga cannot even be parked', async () => {
    const { apply, committed } = fakeStore(() => refusal)
    await apply([message(1)])
    expect(committed).toEqual([{ claims: ['message-1'], parked: [], letters: 1 }])
  })

  it('tries a batch again after a conflict, then in halves', async () => {
    const { apply, committed, tries } = fakeStore((ids, _, tries) =>
      ids.length > 2 || tries < 6 ? conflict : undefined,
    )
    await apply(messages(4))
    expect(committed.map(({ claims }) => claims.length)).toEqual([2, 2])
    expect(tries()).toBe(3 + 3 + 1)
  })

  it('leaves the messages where they are when the surroundings are to blame', async () => {
    const down = new BackstitchError('DATABASE_UNREACHABLE', 'test')
    const { apply, committed, tries } = fakeStore(() => down)
    await expect(apply(messages(4))).rejects.toBe(down)
    expect(committed).toEqual([])
    expect(tries()).toBe(1)
  })

  it.each([
    ['longer than a transaction may', overdue],
    ['longer than a statement may', timeout],
  ])('makes a batch smaller that takes %s', async (_, thrown) => {
    const { apply, committed } = fakeStore((ids) => (ids.length > 3 ? thrown : undefined))
    await apply(messages(8))
    expect(committed.map(({ claims }) => claims.length)).toEqual([2, 2, 2, 2])
  })

  it('lets a message wait that is too slow alone, and neither parks nor buries it', async () => {
    const { apply, committed } = fakeStore(() => timeout)
    await expect(apply(messages(2))).rejects.toBe(timeout)
    expect(committed).toEqual([])
  })

  it('makes a batch smaller whose states are too long for one text, and parks the saga that is so alone', async () => {
    const { apply, committed } = fakeStore((ids, statuses) =>
      ids.length > 1 || (ids[0] === 'saga-1' && !statuses.includes('parked'))
        ? new RangeError('Invalid string length')
        : undefined,
    )
    await apply(messages(3))
    expect(committed.map(({ parked }) => parked)).toEqual([[], ['saga-1'], []])
  })

  it('gives up on a message that always conflicts, without parking its saga', async () => {
    const { apply, committed } = fakeStore(() => conflict)
    await expect(apply([message(1)])).rejects.toBe(conflict)
    expect(committed).toEqual([])
  })
})
