import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import { timerDesk } from '../../../../src/saga/orchestrator/timer-desk.ts'
import type { SagaWork } from '../../../../src/saga/orchestrator/saga-work.ts'
import type { SagaInstance, SagaStore } from '../../../../src/saga/saga-store.ts'
import { definitionRegistry } from '../../../../src/saga/transition/definition-registry.ts'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'

const refusal = Object.assign(new Error('refused'), { code: '23514' })
const timeout = Object.assign(new Error('too slow'), { code: '57014' })
const state = JSON.stringify({ status: 'running', input: {}, stopped: [], steps: {} })
const definition = {
  name: 's',
  version: 1,
  hash: 'h',
  orchestrator: 'o',
  steps: [],
  graph: {},
} as unknown as SagaDefinition

/** Sagas with a due timer each, in the order in which they are due, and writes that fail as told. */
function deskOf(due: string[], fails: (written: Map<string, string>) => Error | undefined) {
  const fired: string[][] = []
  const postponed: string[] = []
  const store = {
    takeDueTimers: async (_tx: unknown, _names: unknown, limit: number) => {
      const ids = due.slice(0, limit)
      const timers = ids.map((id) => ({
        saga_id: id,
        step: 'a',
        direction: 'do',
        round: 1,
        attempt: 1,
        dueAtMs: 0,
      }))
      const instances = ids.map((id): [string, SagaInstance] => {
        const columns = { id, name: 's', version: 1, hash: 'h', businessKey: id, orchestrator: 'o' }
        return [id, { ...columns, status: 'running', state, revision: 1 }]
      })
      return { timers, instances: new Map(instances) }
    },
    untilNextTimerMs: async () => undefined,
    write: async (_tx: unknown, { updated }: { updated: readonly { id: string; status: string }[] }) => {
      const thrown = fails(new Map(updated.map(({ id, status }) => [id, status])))
      if (thrown) throw thrown
      const ids = updated.map(({ id }) => id)
      fired.push(ids)
      for (const id of ids) due.splice(due.indexOf(id), 1)
      return new Set(ids)
    },
    postponeTimers: async (_tx: unknown, id: string) => {
      postponed.push(id)
      due.splice(due.indexOf(id), 1)
    },
    isRefusal: (thrown: unknown) => thrown === refusal,
    isTooSlow: (thrown: unknown) => thrown === timeout,
  } as unknown as SagaStore
  const work: SagaWork = {
    group: 'o',
    store,
    transactions: {
      run: (body) =>
        body({ tx: {} as never, signal: new AbortController().signal, handling: (handler) => handler() }),
      abort: () => undefined,
    },
    registry: definitionRegistry([definition]),
    machine: {
      startSaga: () => {
        throw new Error('not asked here')
      },
      advance: (_, before) => ({
        state: before,
        changed: true,
        effects: [{ kind: 'record', entry: 'timed-out' }],
      }),
    },
    encoding: { codec: jsonCodec, limits: defaultBodyLimits },
    logger: silentLogger,
    signals: { reach: () => undefined },
    clock: systemClock,
    committed: () => undefined,
  }
  const poll = timerDesk(work)
  const drain = async (): Promise<void> => {
    for (let polls = 0; due.length > 0; polls++) {
      if (polls > 50) throw new Error(`timers stay due: ${due.join()}`)
      await poll()
    }
  }
  return { poll, drain, fired, postponed }
}

describe('timerDesk', () => {
  it('fires what is due in one transaction', async () => {
    const { drain, fired } = deskOf(['a', 'b', 'c'], () => undefined)
    await drain()
    expect(fired).toEqual([['a', 'b', 'c']])
  })

  it('parks the saga that is refused, and fires the others', async () => {
    const { drain, fired, postponed } = deskOf(['a', 'b', 'c'], (written) =>
      written.get('b') === 'running' ? refusal : undefined,
    )
    await drain()
    expect(fired.flat()).toEqual(['a', 'b', 'c'])
    expect(postponed).toEqual([])
  })

  it('sets the timers of a saga back that cannot even be parked, and fires the others', async () => {
    const { drain, fired, postponed } = deskOf(['a', 'bad', 'b', 'c'], (written) =>
      written.has('bad') ? refusal : undefined,
    )
    await drain()
    expect(fired.flat()).toEqual(['a', 'b', 'c'])
    expect(postponed).toEqual(['bad'])
  })

  it('fires fewer at a time when that takes too long, and more again later', async () => {
    const ids = Array.from({ length: 300 }, (_, n) => `s${n}`)
    let most = 30
    const { drain, fired } = deskOf([...ids], (written) => {
      if (written.size > most) return timeout
      most = 1_000
      return undefined
    })
    await drain()
    expect(fired.flat()).toEqual(ids)
    expect(fired.map(({ length }) => length)).toEqual([25, 50, 100, 125])
  })

  it('waits when a single saga takes too long', async () => {
    const { poll, postponed } = deskOf(['a'], () => timeout)
    await expect(poll()).rejects.toBe(timeout)
    expect(postponed).toEqual([])
  })
})
