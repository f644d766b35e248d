import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { SagaInput } from '../../../src/saga/machine/saga-input.ts'
import type { Behaviour } from './model-participant.ts'
import { type Happening, ModelWorld } from './model-world.ts'
import { sagaDefinitions } from './random-saga.ts'

// Repeat a run with SEED=<the printed number>.
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
console.info(`saga machine: seed ${seed}`)

const at = fc.nat({ max: 9 })
const again = fc.integer({ min: 0, max: 4 }).map((number) => number === 0)
const behaviour = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Behaviour>('ok') },
  { weight: 2, arbitrary: fc.constant<Behaviour>('no') },
  { weight: 1, arbitrary: fc.constantFrom<Behaviour>('garbled ok', 'garbled no') },
)
const address = {
  step: fc.constantFrom('c0', 'c1', 'c2', 'p', 'r0', 'nothing', '__proto__', 'constructor'),
  direction: fc.constantFrom('do' as const, 'undo' as const),
  round: fc.integer({ min: 0, max: 3 }),
  attempt: fc.integer({ min: 0, max: 4 }),
}
/** What no participant ever said and no timer of ours was: strangers of other rounds, whose answers must move nothing. */
const noise = fc.oneof(
  fc.record({ kind: fc.constant('timer' as const), ...address, attempt: fc.constant(99) }),
  fc.record({
    kind: fc.constant('reply' as const),
    ...address,
    round: fc.constant(99),
    outcome: fc.constantFrom('ok', 'rejected.no', 'rejected.', 'what', ''),
    body: fc.jsonValue(),
  }),
)

const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('command' as const), at, behaviour, again }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('reply' as const), at, again }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('timer' as const), at }) },
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant('lose command' as const), at }),
      fc.record({ kind: fc.constant('lose reply' as const), at }),
    ),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('noise' as const), input: noise }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('interrupt' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel' as const, 'compensate' as const, 'hold' as const, 'resume' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('retry' as const, 'retry' as const, 'skip' as const), at }),
  },
)

const runs = fc.tuple(sagaDefinitions, fc.array(happening, { maxLength: 60, size: 'max' }))

describe('whatever happens on the way', { timeout: 60_000 }, () => {
  // The world checks after each move: see `ModelWorld`.
  test('a saga ends completed or compensated, or is parked', () => {
    const ends = new Map<string, number>()
    const acts = new Set<string>()
    fc.assert(
      fc.property(runs, ([definition, happenings]) => {
        const world = new ModelWorld(definition)
        for (const one of happenings) world.happen(one)
        world.drain()
        const { status } = world.state
        ends.set(status, (ends.get(status) ?? 0) + 1)
        expect(['completed', 'compensated', 'parked']).toContain(status)
        for (const act of world.acts) acts.add(act)
        const endings = world.history.filter((entry) => entry === 'completed' || entry === 'compensated')
        expect(endings).toEqual(world.hasEnded ? [status] : [])
        if (world.hasEnded) expect(world.history.at(-1)).toBe(status)
        expect(world.history[0]).toBe('started')
      }),
      { seed, numRuns: 1_500 },
    )
    // Else the runs would prove nothing.
    expect([...acts].sort()).toEqual(['cancel', 'compensate', 'hold', 'resume'])
    expect([...ends.keys()].sort()).toEqual(['compensated', 'completed', 'parked'])
  })

  test('all is done once, or all that can be undone is undone, at the participants themselves', () => {
    let compared = 0
    fc.assert(
      fc.property(runs, ([definition, happenings]) => {
        const world = new ModelWorld(definition)
        for (const one of happenings) world.happen(one)
        for (let retries = 0; retries < 20 && !world.hasEnded; retries++) {
          world.happen({ kind: 'resume' })
          world.drain()
          world.happen({ kind: 'retry', at: 1 })
        }
        // What is still on the way arrives after the end.
        world.drain()
        // An operator who skips answers for the outcome.
        if (!world.hasEnded || world.hasSkipped) return
        compared++
        for (const { name, phase, undo } of definition.steps) {
          const effects = world.participant.effects.get(name) ?? 0
          const wasPassed = world.state.steps[name]?.do.status === 'passed'
          if (wasPassed) expect(effects, name).toBe(0)
          else if (world.state.status === 'completed') expect(effects, name).toBe(1)
          else if (phase !== 'compensatable' || undo) expect(effects, name).toBe(0)
          else expect(effects, name).toBeLessThanOrEqual(1)
        }
      }),
      { seed, numRuns: 1_500 },
    )
    expect(compared).toBeGreaterThan(300)
  })

  test('replies and timers never make the machine throw', () => {
    const anything: fc.Arbitrary<SagaInput> = fc.oneof(
      fc.record({ kind: fc.constant('timer' as const), ...address }),
      fc.record({
        kind: fc.constant('reply' as const),
        ...address,
        outcome: fc.oneof(
          fc.constantFrom('ok', 'rejected.no', 'rejected.', 'rejected.__proto__'),
          fc.string({ unit: 'binary' }),
        ),
        body: fc.oneof(fc.anything(), fc.constantFrom({ by: 'x' }, { why: 'x' })),
      }),
    )
    fc.assert(
      fc.property(
        sagaDefinitions,
        fc.array(anything, { maxLength: 40, size: 'max' }),
        (definition, inputs) => {
          const world = new ModelWorld(definition)
          for (const input of inputs) world.move(input)
        },
      ),
      { seed, numRuns: 1_500 },
    )
  })
})
