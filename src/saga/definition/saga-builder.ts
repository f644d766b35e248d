import type { z } from 'zod'
import { BackstitchError } from '../../kernel/errors.ts'
import { compileSaga } from './compile-saga.ts'
import type { SagaDefinition } from './saga-definition.ts'
import { draftsOfPlan, type SagaPlan } from './saga-plan.ts'
import type { SagaOptions, StepDraft } from './saga-draft.ts'
import type { BlankPhase } from './saga-phases.ts'

/**
 * Begins the definition of a saga, as data alone: what it builds has no `start` (see {@link file://./startable-saga.ts}).
 *
 * The types forbid a compensatable step or a second pivot after the pivot, a retriable step before it or with a command that can be
 * rejected, an `undo` on either, a name used twice, an unknown earlier result, and a request of the wrong shape.
 * Each call returns a new builder; a common beginning may be continued in two ways.
 *
 * @example
 * const placeOrder = sagaBuilder('place-order', { version: 1, input: Order, key: (order) => order.orderId })
 *   .step('reserve', {
 *     send: ReserveStock,
 *     with: ({ input }) => ({ orderId: input.orderId, lines: input.lines }),
 *     undo: { send: ReleaseStock, with: ({ input }) => ({ orderId: input.orderId }) },
 *   })
 *   .pivot('charge', { send: ChargeCard, with: ({ input }) => ({ orderId: input.orderId, amount: input.total }) })
 *   .retriable('ship', {
 *     send: ShipOrder,
 *     with: ({ input, done }) => ({ orderId: input.orderId, reservationId: done.reserve.reservationId }),
 *   })
 *   .build()
 */
export function sagaBuilder<Input extends z.ZodType>(
  name: string,
  options: SagaOptions<Input>,
): BlankPhase<Input, SagaDefinition<Input>> {
  return sagaBuilderFor(name, options, (definition) => definition)
}

/** {@link sagaBuilder}, for a `build()` that makes something of the definition. */
export function sagaBuilderFor<Input extends z.ZodType, Built>(
  name: string,
  options: SagaOptions<Input>,
  finish: (definition: SagaDefinition<Input>) => Built,
): BlankPhase<Input, Built> {
  const chainOf = (course: Course): Chain<Built> => {
    const add =
      (phase: StepDraft['phase']): Chain<Built>['step'] =>
      (step, stepOptions) =>
        chainOf({
          drafts: [...course.drafts, { name: step, phase, after: course.heads, options: stepOptions }],
          heads: [step],
        })
    return {
      [courseKey]: course,
      step: add('compensatable'),
      pivot: add('pivot'),
      retriable: add('retriable'),
      parallel: (...branches) => chainOf(joined(`${name} v${options.version}`, course, branches, chainOf)),
      build: () => finish(compileSaga(name, options, course.drafts)),
    }
  }
  const plan = (steps: (plan: SagaPlan<Input>) => void): Built =>
    finish(compileSaga(name, options, draftsOfPlan(`${name} v${options.version}`, steps)))
  // The chain offers all phases at once and forgets the types of the steps; the interfaces say what may be called, `compileSaga` checks it.
  return { ...chainOf({ drafts: [], heads: [] }), plan } as unknown as BlankPhase<Input, Built>
}

/** The steps so far, and those of them that the next one waits for. */
type Course = { readonly drafts: readonly StepDraft[]; readonly heads: readonly string[] }

const courseKey = Symbol('course')

type Chain<Built> = Readonly<
  Record<'step' | 'pivot' | 'retriable', (name: string, options: StepDraft['options']) => Chain<Built>>
> & {
  readonly [courseKey]: Course
  readonly parallel: (...branches: readonly ((branch: Chain<Built>) => Chain<Built>)[]) => Chain<Built>
  readonly build: () => Built
}

/** Each branch begins where the chain stands; what follows waits for the ends of all. */
function joined<Built>(
  owner: string,
  course: Course,
  branches: readonly ((branch: Chain<Built>) => Chain<Built>)[],
  chainOf: (course: Course) => Chain<Built>,
): Course {
  if (branches.length < 2) throw invalid(owner, 'parallel takes two branches or more')
  let { drafts } = course
  const ends: string[] = []
  for (const branch of branches) {
    const own = branch(chainOf({ drafts, heads: course.heads }))[courseKey]
    if (own.drafts.length <= drafts.length) throw invalid(owner, 'a branch of parallel has no step')
    drafts = own.drafts
    ends.push(...own.heads)
  }
  return { drafts, heads: ends }
}

function invalid(owner: string, what: string): BackstitchError {
  return new BackstitchError('SAGA_DEFINITION_INVALID', `${owner}: ${what}`)
}
