import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { placeOrder } from '../../../sagas/place-order/saga.ts'
import { command } from '../../../src/message/command.ts'
import { sagaBuilder } from '../../../src/saga/definition/saga-builder.ts'
import type { SagaTransition } from '../../../src/saga/machine/saga-effect.ts'
import { advance } from '../../../src/saga/machine/saga-machine.ts'
import type { SagaState, StepState } from '../../../src/saga/machine/saga-state.ts'
import { decideStep } from '../../../src/saga/participant/barrier-machine.ts'
import { explore, type ExploreOptions } from '../../../src/testing/explore/explore.ts'

const body = z.object({ id: z.string() })
const ask = (name: string) =>
  command(name, { version: 1, key: ({ id }) => id, request: body, ok: body, rejected: { no: z.object({}) } })
const tell = (name: string) => command(name, { version: 1, key: ({ id }) => id, request: body, ok: body })
const begin = () => sagaBuilder('small', { version: 1, input: body, key: ({ id }) => id })
const same = ({ input }: { input: { id: string } }) => ({ id: input.id })
const undo = (service: string) => ({ send: tell(`${service}.undo`), with: same })

/** Two steps that are undone, the pivot, and one step after it. */
const small = begin()
  .step('a', { send: ask('a.do'), with: same, undo: undo('a') })
  .step('b', { send: ask('b.do'), with: same, undo: undo('b') })
  .pivot('p', { send: ask('p.do'), with: same })
  .retriable('r', { send: tell('r.do'), with: same })
  .build()

/** One step before two branches, which join at the pivot. */
const forked = begin()
  .step('a', { send: ask('a.do'), with: same, undo: undo('a') })
  .parallel(
    (one) => one.step('b', { send: ask('b.do'), with: same, undo: undo('b') }),
    (two) =>
      two.step('c', { send: ask('c.do'), with: same, when: ({ input }) => input.id !== '', undo: undo('c') }),
  )
  .pivot('p', { send: ask('p.do'), with: same })
  .build()

describe('explore proves', () => {
  test.each([
    ['a chain', small, {}],
    ['branches', forked, { earlyTimersMax: 1 }],
    ['a chain with operators', small, { operatorActsMax: 1, attemptsMax: 1 }],
    ['place-order', placeOrder, {}],
    ['place-order with two faults on a path', placeOrder, { faultsMax: 2, attemptsMax: 1 }],
  ])('%s', { timeout: 60_000 }, (_what, definition, options) => {
    const { counterexample, complete, states, ends } = explore(definition, options)
    expect(counterexample).toBeUndefined()
    expect(complete).toBe(true)
    expect(states).toBeGreaterThan(100)
    expect(ends.completed).toBeGreaterThan(0)
    expect(ends.compensated).toBeGreaterThan(0)
  })

  test('that a saga is parked where nobody can know what happened', () => {
    expect(explore(small, { attemptsMax: 1 }).ends.parked).toBeGreaterThan(0)
  })
})

/** The state of the engine’s own machine, changed. */
function changing(change: (state: SagaState) => SagaState): ExploreOptions {
  const changed = ({ state, ...rest }: SagaTransition): SagaTransition => ({ ...rest, state: change(state) })
  return { machines: { advance: (...given) => changed(advance(...given)) } }
}

function everyStep(state: SagaState, change: (step: StepState) => StepState): SagaState {
  return {
    ...state,
    steps: Object.fromEntries(Object.entries(state.steps).map(([name, step]) => [name, change(step)])),
  }
}

describe('explore finds', () => {
  const machineFaults: readonly (readonly [string, RegExp, ExploreOptions])[] = [
    [
      'a machine that takes silence for a no',
      /the saga is compensated, and the effect of . stands/,
      {
        machines: {
          advance: (definition, state, input) =>
            input.kind === 'timer'
              ? advance(definition, state, { ...input, kind: 'reply', outcome: 'rejected.no', body: {} })
              : advance(definition, state, input),
        },
      },
    ],
    [
      'a machine that does not undo what was not answered',
      /the saga is compensated, and the effect of . stands|a was undone before b/,
      changing((state) =>
        everyStep(state, ({ undoBy, ...step }) => ({
          ...step,
          ...(undoBy && step.do.status !== 'unknown' && { undoBy }),
        })),
      ),
    ],
    [
      'a machine that undoes in any order',
      /a was undone before b, which stands on it/,
      changing((state) => everyStep(state, (step) => ({ ...step, after: [] }))),
    ],
    [
      'a machine that ends with the pivot',
      /the saga is completed, and the effect of r stands 0 times/,
      {
        machines: {
          advance: (definition, state, input) => {
            const moved = advance(definition, state, input)
            if (moved.state.steps['p']?.do.status !== 'ok') return moved
            const { r: _r, ...steps } = moved.state.steps
            return { state: { ...moved.state, status: 'completed', steps }, changed: true, effects: [] }
          },
        },
      },
    ],
    [
      'a machine that has no timers',
      /the saga is running, and nothing will ever move it again/,
      {
        machines: {
          advance: (definition, state, input) =>
            input.kind === 'timer'
              ? { state, changed: false, effects: [] }
              : advance(definition, state, input),
        },
      },
    ],
    [
      'a machine that parks for each refusal',
      /parked without need: why/,
      changing((state) =>
        state.turnedBy === undefined
          ? state
          : { ...state, status: 'parked', stopped: [{ step: 'a', direction: 'do', reason: 'why' }] },
      ),
    ],
    [
      'a participant that carries out what was undone before it came',
      /the saga is compensated, and the effect of . stands|done twice/,
      { machines: { decideStep: forgetting('refuse') } },
    ],
    [
      'a participant that undoes what it never did',
      /undone more often than it was done/,
      { machines: { decideStep: forgetting('nothing-to-undo') } },
    ],
    [
      'a participant that does twice what comes twice',
      /done twice/,
      { machines: { decideStep: forgetting('replay') } },
    ],
  ]
  test.each(machineFaults)('%s', (_what, words, options) => {
    const { counterexample } = explore(small, { faultsMax: 1, ...options })
    expect(counterexample).toMatch(/^small v1: /)
    expect(counterexample).toMatch(words)
    expect(counterexample).toMatch(/\n {2}1\. the saga is started\n {2}2\. /)
  })

  let calls = 0
  const definitionFaults = [
    [
      'an undo that needs a result which may be unknown',
      /SAGA_MAPPER_FAILED.*undo of a/,
      begin()
        .step('a', {
          send: ask('a.do'),
          with: same,
          undo: { send: tell('a.undo'), with: ({ result }) => ({ id: (result as { id: string }).id }) },
        })
        .build(),
    ],
    [
      'a mapper that takes the result of a step that was passed over',
      /SAGA_MAPPER_FAILED.*step b/,
      begin()
        .step('a', { send: ask('a.do'), with: same, when: () => false })
        .step('b', { send: ask('b.do'), with: ({ done }) => ({ id: (done.a as { id: string }).id }) })
        .build(),
    ],
    [
      'a mapper that gives another result each time',
      /step a: .*is not pure/,
      begin()
        .step('a', { send: ask('a.do'), with: () => ({ id: String(calls++) }) })
        .build(),
    ],
    [
      'a mapper that changes what it is given',
      /SAGA_MAPPER_FAILED.*step a: .*read only/,
      begin()
        .step('a', {
          send: ask('a.do'),
          with: ({ input }) => {
            input.id = 'other'
            return { id: input.id }
          },
        })
        .build(),
    ],
  ] as const
  test.each(definitionFaults)('%s', (_what, words, definition) => {
    expect(explore(definition).counterexample).toMatch(words)
  })

  test('the shortest way', () => {
    const { counterexample } = explore(small, {
      faultsMax: 1,
      machines: { decideStep: forgetting('replay') },
    })
    expect(counterexample?.split('\n')).toHaveLength(4)
  })
})

/** A barrier that handles what it should have told apart. */
function forgetting(kind: ReturnType<typeof decideStep>['kind']): typeof decideStep {
  return (...given) => {
    const decision = decideStep(...given)
    return decision.kind === kind ? { kind: 'handle' } : decision
  }
}

describe('explore refuses', () => {
  test('a sample that does not fit', () => {
    expect(() => explore(small, { samples: { a: { ok: { id: 7 } } } })).toThrow(
      /CONFIG_INVALID.*samples\.a\.ok/,
    )
  })

  test('to make up what no schema describes', () => {
    const strict = begin()
      .step('a', {
        send: command('a.do', {
          version: 1,
          key: () => 'k',
          request: body,
          ok: z.string().refine((text) => text === 'sesame'),
        }),
        with: same,
      })
      .build()
    expect(() => explore(strict)).toThrow(/CONFIG_INVALID.*samples\.a\.ok: give a sample/)
    expect(explore(strict, { samples: { a: { ok: 'sesame' } } }).counterexample).toBeUndefined()
  })

  test('to go on for ever: it says that it is not complete', () => {
    expect(explore(small, { statesMax: 50 })).toMatchObject({ complete: false })
  })
})
