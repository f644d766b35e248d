import * as fc from 'fast-check'
import { z } from 'zod'
import { command } from '../../../src/message/command.ts'
import { compileSaga } from '../../../src/saga/definition/compile-saga.ts'
import type { SagaDefinition } from '../../../src/saga/definition/saga-definition.ts'
import type { StepDraft } from '../../../src/saga/definition/saga-draft.ts'

/** The request of every command: what its mapper saw. */
const request = z.object({ step: z.string(), saw: z.array(z.string()) })
const reply = z.object({ by: z.string() })

const contract = (name: string, canRefuse: boolean) =>
  command(name, {
    version: 1,
    key: ({ step }) => step,
    request,
    ok: reply,
    ...(canRefuse && { rejected: { no: z.object({ why: z.string() }) } }),
  })

const attempts = fc.integer({ min: 1, max: 3 })
/** Which of the steps before it a step waits for, by bits; those of its phase at least on one. */
const waitsFor = fc.nat({ max: 15 })
/** One in four steps has a condition, which holds or not. */
const condition = fc.constantFrom('none', 'none', 'holds', 'fails')
const compensatable = fc.record({
  waitsFor,
  condition,
  hasUndo: fc.boolean(),
  canRefuseUndo: fc.boolean(),
  attempts,
  undoAttempts: attempts,
})

/**
 * Definitions of all shapes: up to four compensatable steps, with and without undo, perhaps a pivot, then up to three retriable steps; in a row
 * and in branches that part and join, some with conditions.
 */
export const sagaDefinitions: fc.Arbitrary<SagaDefinition> = fc
  .record({
    compensatable: fc.array(compensatable, { maxLength: 4 }),
    pivot: fc.option(attempts, { nil: undefined }),
    retriable: fc.array(fc.record({ attempts, waitsFor, condition }), { maxLength: 3 }),
  })
  .filter((shape) => shape.compensatable.length > 0 || shape.pivot !== undefined)
  .map((shape) => {
    const before = shape.compensatable.map((step, index) => compensatableDraft(index, step))
    const pivoted =
      shape.pivot === undefined
        ? []
        : [
            draft('p', 'pivot', true, { attempts: shape.pivot, after: before.map(({ name }) => name) }),
            ...shape.retriable.map((step, index) => {
              const after = ['p', ...chosen('r', index, step.waitsFor)]
              return draft(`r${index}`, 'retriable', false, { ...step, after })
            }),
          ]
    return compileSaga('random', { version: 1, input: z.string(), key: (input) => input }, [
      ...before,
      ...pivoted,
    ])
  })

function chosen(letter: string, count: number, bits: number): string[] {
  return Array.from({ length: count }, (_, index) => `${letter}${index}`).filter(
    (_, index) => (bits & (1 << index)) !== 0,
  )
}

function draft(
  name: string,
  phase: StepDraft['phase'],
  canRefuse: boolean,
  how: { attempts: number; after: readonly string[]; condition?: string },
): StepDraft {
  return {
    name,
    phase,
    after: how.after,
    options: {
      send: contract(`work.${name}`, canRefuse),
      with: ({ done }) => ({ step: name, saw: Object.keys(done) }),
      retry: { attemptsMax: how.attempts },
      ...(how.condition !== undefined &&
        how.condition !== 'none' && { when: () => how.condition === 'holds' }),
    },
  }
}

function compensatableDraft(
  index: number,
  step: {
    hasUndo: boolean
    canRefuseUndo: boolean
    attempts: number
    undoAttempts: number
    waitsFor: number
    condition: string
  },
): StepDraft {
  const name = `c${index}`
  const plain = draft(name, 'compensatable', true, { ...step, after: chosen('c', index, step.waitsFor) })
  if (!step.hasUndo) return plain
  const undo: NonNullable<StepDraft['options']['undo']> = {
    send: contract(`work.undo-${name}`, step.canRefuseUndo),
    with: ({ result }) => ({ step: name, saw: result === undefined ? [] : ['result'] }),
    retry: { attemptsMax: step.undoAttempts },
  }
  return { ...plain, options: { ...plain.options, undo } }
}
