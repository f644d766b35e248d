import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { decideStep, type Leg, type StepRecord } from '../../../../src/saga/participant/barrier-machine.ts'

const live = { expired: false }
const row = (direction: 'do' | 'undo', round: number, outcome = 'ok'): StepRecord => ({
  direction,
  round,
  outcome,
})
const decide = (records: StepRecord[], direction: 'do' | 'undo', round = 1, options = live): string => {
  const decision = decideStep(records, { direction, round }, options)
  return decision.kind === 'refuse' ? decision.reason : decision.kind
}

test('a first command is handled, and replayed from then on', () => {
  expect(decide([], 'do')).toBe('handle')
  expect(decide([row('do', 1)], 'do')).toBe('replay')
  expect(decide([row('do', 1, 'rejected.outOfStock')], 'do')).toBe('replay')
  expect(decide([row('do', 1)], 'do', 2)).toBe('handle')
})

test('an undo is handled only after an ok', () => {
  expect(decide([row('do', 1)], 'undo')).toBe('handle')
  expect(decide([row('do', 1, 'rejected.outOfStock')], 'undo')).toBe('nothing-to-undo')
  expect(decide([], 'undo')).toBe('nothing-to-undo')
  expect(decide([row('do', 1), row('undo', 1)], 'undo')).toBe('replay')
})

test('a forward command that comes after its undo is refused, its old attempts are replayed', () => {
  expect(decide([row('undo', 1)], 'do')).toBe('undone')
  expect(decide([row('undo', 2)], 'do')).toBe('undone')
  expect(decide([row('undo', 1)], 'do', 2)).toBe('handle')
  expect(decide([row('do', 1), row('undo', 1)], 'do')).toBe('replay')
})

test('an undo that was rejected is tried again in the next round, and finds what it undoes in its own', () => {
  const records = [row('do', 1), row('undo', 1, 'rejected.tooLate')]
  expect(decide(records, 'undo', 1)).toBe('replay')
  expect(decide(records, 'undo', 2)).toBe('handle')
  expect(decide([...records, row('undo', 2)], 'undo', 3)).toBe('nothing-to-undo')
})

test('what was undone in one round is not undone again in the next', () => {
  expect(decide([row('do', 1), row('undo', 1)], 'undo', 2)).toBe('nothing-to-undo')
  expect(decide([row('do', 1), row('undo', 1), row('do', 2)], 'undo', 2)).toBe('handle')
})

test('a later round’s execution is no concern of an undo of a round before', () => {
  expect(decide([row('do', 2)], 'undo', 1)).toBe('nothing-to-undo')
})

test('a command whose time is over takes no effect, but what is known is told', () => {
  const over = { expired: true }
  expect(decide([], 'do', 1, over)).toBe('expired')
  expect(decide([row('do', 1)], 'undo', 1, over)).toBe('expired')
  expect(decide([], 'undo', 1, over)).toBe('expired')
  expect(decide([row('do', 1)], 'do', 1, over)).toBe('replay')
  expect(decide([row('undo', 1)], 'do', 1, over)).toBe('undone')
})

test('whatever comes in whatever order, each round is done once, undone only after it was done, and never done after it was undone', () => {
  const leg = fc.record({ round: fc.integer({ min: 1, max: 3 }), direction: fc.constantFrom('do', 'undo') })
  const arrival = fc.record({ leg, outcome: fc.constantFrom('ok', 'rejected.no'), expired: fc.boolean() })
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 12 }), (arrivals) => {
      const records: StepRecord[] = []
      const effects: Leg[] = []
      for (const { leg: at, outcome, expired } of arrivals) {
        const { kind } = decideStep(records, at, { expired })
        if (kind === 'nothing-to-undo') records.push({ ...at, outcome: 'ok' })
        if (kind !== 'handle') continue
        records.push({ ...at, outcome })
        if (outcome === 'ok') effects.push(at)
      }
      const done = effects.filter(({ direction }) => direction === 'do')
      expect(new Set(done.map(({ round }) => round)).size).toBe(done.length)
      for (const [index, { direction, round }] of effects.entries()) {
        const before = effects.slice(0, index)
        const doneBefore = before.some((other) => other.direction === 'do' && other.round <= round)
        const undoneBefore = before.some((other) => other.direction === 'undo' && other.round >= round)
        if (direction === 'undo') expect(doneBefore).toBe(true)
        else expect(undoneBefore).toBe(false)
      }
      const balance = effects.reduce((sum, { direction }) => sum + (direction === 'do' ? 1 : -1), 0)
      expect(balance).toBeGreaterThanOrEqual(0)
    }),
  )
})
