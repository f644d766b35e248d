import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { jsonCodec } from '../../../../src/message/codec.ts'
import { defaultBodyLimits } from '../../../../src/message/limits.ts'
import type { SagaDefinition } from '../../../../src/saga/definition/saga-definition.ts'
import { setAsideDesk } from '../../../../src/saga/orchestrator/set-aside-desk.ts'
import type { SagaWork } from '../../../../src/saga/orchestrator/saga-work.ts'
import type { SagaInstance, SagaStore, SetAsideRecord } from '../../../../src/saga/saga-store.ts'
import { definitionRegistry } from '../../../../src/saga/transition/definition-registry.ts'
import { recordWith } from '../../inbox/records.ts'

const refusal = Object.assign(new Error('refused'), { code: '23514' })
const definition = {
  name: 's',
  version: 1,
  hash: 'h',
  orchestrator: 'o',
  steps: [],
  graph: {},
} as unknown as SagaDefinition
const state = JSON.stringify({ status: 'running', input: {}, stopped: [], steps: {} })
const begun = JSON.stringify({ status: 'running', input: {}, stopped: [], steps: { lost: {} } })

const uuid = (n: number): string => `01900000-0000-7000-8000-${String(n).padStart(12, '0')}`

/** A record that was set aside as message `n` for saga `n`, with or without an id of its own. */
function aside(n: number, hasId = true): SetAsideRecord {
  const headers = { ...(hasId && { id: uuid(n) }), 'saga-id': uuid(100 + n), 'saga-step': 'a', outcome: 'ok' }
  return {
    messageId: uuid(n),
    name: 's',
    version: 1,
    record: recordWith({ topic: 't', offset: BigInt(n), headers, value: {} }),
  }
}

/**
 * A desk over records in memory.
 * @param world.fails whether a write of these sagas, with these statuses, is refused
 * @param world.held the messages that another process holds at this look, counted from 1
 */
function desk(
  records: SetAsideRecord[],
  world: {
    readonly fails?: (sagas: readonly string[], statuses: readonly string[]) => boolean
    readonly held?: (look: number) => readonly string[]
    readonly instance?: Partial<SagaInstance>
  } = {},
) {
  const parked: string[] = []
  const moved: string[] = []
  let looks = 0
  let dropped: string[] = []
  const store = {
    lockSetAside: async (
      _tx: unknown,
      _names: unknown,
      page: { after: string | undefined; limit: number },
    ) => {
      const held = world.held?.(++looks) ?? []
      return records
        .filter(({ messageId }) => messageId > (page.after ?? '') && !held.includes(messageId))
        .slice(0, page.limit)
    },
    receive: async (_tx: unknown, _claims: unknown, ids: readonly string[]) => ({
      fresh: new Set(),
      instances: new Map(
        ids.map((id): [string, SagaInstance] => [
          id,
          {
            id,
            name: 's',
            version: 1,
            hash: 'h',
            businessKey: id,
            orchestrator: 'o',
            status: 'running',
            state,
            revision: 1,
            ...world.instance,
          },
        ]),
      ),
    }),
    write: async (_tx: unknown, { updated }: { updated: readonly { id: string; status: string }[] }) => {
      const ids = updated.map(({ id }) => id)
      if (
        world.fails?.(
          ids,
          updated.map(({ status }) => status),
        )
      )
        throw refusal
      for (const { id, status } of updated) (status === 'parked' ? parked : moved).push(id)
      return new Set(ids)
    },
    deadLetter: async () => undefined,
    dropSetAside: async (_tx: unknown, claims: readonly { id: string }[]) =>
      void dropped.push(...claims.map(({ id }) => id)),
    isRefusal: (thrown: unknown) => thrown === refusal,
    isTooSlow: () => false,
  } as unknown as SagaStore
  const work: SagaWork = {
    group: 'o',
    store,
    transactions: {
      run: async (body) => {
        dropped = []
        const result = await body({
          tx: {} as never,
          signal: new AbortController().signal,
          handling: (handler) => handler(),
        })
        for (const id of dropped) {
          const at = records.findIndex(({ messageId }) => messageId === id)
          if (at >= 0) records.splice(at, 1)
        }
        return result
      },
      abort: () => undefined,
    },
    registry: definitionRegistry([definition]),
    machine: {
      startSaga: () => ({ state: JSON.parse(state), changed: true, effects: [] }),
      advance: (_definition, before) => ({
        state: before,
        changed: true,
        effects: [{ kind: 'record', entry: 'ok' }],
      }),
    },
    encoding: { codec: jsonCodec, limits: defaultBodyLimits },
    logger: silentLogger,
    signals: { reach: () => undefined },
    clock: systemClock,
    committed: () => undefined,
  }
  const takeUp = setAsideDesk(work)
  return { takeUp: () => takeUp(new AbortController().signal), parked, moved }
}

describe('setAsideDesk', () => {
  it('takes up all, and parks the saga of the one that is refused', async () => {
    const records = [1, 2, 3].map((n) => aside(n))
    const { takeUp, parked, moved } = desk(records, {
      fails: (sagas, statuses) => sagas.includes(uuid(102)) && !statuses.includes('parked'),
    })
    await takeUp()
    expect({ parked, moved }).toEqual({ parked: [uuid(102)], moved: [uuid(101), uuid(103)] })
    expect(records).toEqual([])
  })

  it('parks no other saga when another process takes the refused message meanwhile', async () => {
    const records = [1, 2].map((n) => aside(n))
    const { takeUp, parked, moved } = desk(records, {
      fails: (sagas, statuses) => sagas.includes(uuid(101)) && !statuses.includes('parked'),
      // The first look takes all, the second finds the one that it is about.
      held: (look) => (look > 2 ? [uuid(1)] : []),
    })
    await takeUp()
    expect({ parked, moved }).toEqual({ parked: [], moved: [uuid(102)] })
    expect(records.map(({ messageId }) => messageId)).toEqual([uuid(1)])
  })

  it('passes over a message whose saga cannot even be parked, which stays', async () => {
    const records = [1, 2].map((n) => aside(n))
    const { takeUp, moved } = desk(records, { fails: (sagas) => sagas.includes(uuid(101)) })
    await takeUp()
    expect(moved).toEqual([uuid(102)])
    expect(records.map(({ messageId }) => messageId)).toEqual([uuid(1)])
  })

  it.each([
    ['with an id', true],
    ['without an id', false],
  ])('leaves a message %s where it is while nobody here can move its saga', async (_, hasId) => {
    const records = [aside(1, hasId)]
    const { takeUp, parked, moved } = desk(records, { instance: { hash: 'other', state: begun } })
    await takeUp()
    expect({ parked, moved }).toEqual({ parked: [], moved: [] })
    expect(records).toHaveLength(1)
  })
})
