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
const compensatable = fc.record({
  hasUndo: fc.boolean(),
  canRefuseUndo: fc.boolean(),
  attempts,
  undoAttempts: attempts,
})

/** Definitions of all shapes: up to four compensatable steps, with and without undo, perhaps a pivot, then up to three retriable steps. */
export const sagaDefinitions: fc.Arbitrary<SagaDefinition> = fc
  .record({
    compensatable: fc.array(compensatable, { maxLength: 4 }),
    pivot: fc.option(attempts, { nil: undefined }),
    retriable: fc.array(attempts, { maxLength: 3 }),
  })
  .filter((shape) => shape.compensatable.length > 0 || shape.pivot !== undefined)
  .map((shape) => {
    const before = shape.compensatable.map((step, index) => compensatableDraft(`c${index}`, step))
    const after =
      shape.pivot === undefined
        ? []
        : [
            draft('p', 'pivot', true, shape.pivot),
            ...shape.retriable.map((max, index) => draft(`r${index}`, 'retriable', false, max)),
          ]
    return compileSaga('random', { version: 1, input: z.string(), key: (input) => input }, [
      ...before,
      ...after,
    ])
  })

function draft(name: string, phase: StepDraft['phase'], canRefuse: boolean, attemptsMax: number): StepDraft {
  return {
    name,
    phase,
    options: {
      send: contract(`work.${name}`, canRefuse),
      with: ({ done }) => ({ step: name, saw: Object.keys(done) }),
      retry: { attemptsMax },
    },
  }
}

function compensatableDraft(
  name: string,
  step: { hasUndo: boolean; canRefuseUndo: boolean; attempts: number; undoAttempts: number },
): StepDraft {
  const plain = draft(name, 'compensatable', true, step.attempts)
  if (!step.hasUndo) return plain
  const undo: NonNullable<StepDraft['options']['undo']> = {
    send: contract(`work.undo-${name}`, step.canRefuseUndo),
    with: ({ result }) => ({ step: name, saw: result === undefined ? [] : ['result'] }),
    retry: { attemptsMax: step.undoAttempts },
  }
  return { ...plain, options: { ...plain.options, undo } }
}
