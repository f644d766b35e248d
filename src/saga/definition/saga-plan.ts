import type { z } from 'zod'
import { BackstitchError } from '../../kernel/errors.ts'
import type { CommandContract } from '../../message/command.ts'
import type { StepContext } from './saga-definition.ts'
import type { StepDraft } from './saga-draft.ts'
import type { CompensatableOptions, PivotOptions, RetriableOptions } from './step-options.ts'

/** Carries the result of a planned step to those that need it; there is no such member at run time. */
declare const result: unique symbol

/** A step of a plan, for others to need. */
export interface PlannedStep<Result = unknown> {
  readonly name: string
  readonly [result]?: Result
}

type Needs = Readonly<Record<string, PlannedStep>>

/** No step is needed. */
type NoNeeds = Readonly<Record<never, PlannedStep>>

/** The results of the needed steps, by the names under which they are needed. */
type Needed<Given extends Needs> = {
  readonly [Name in keyof Given]: Given[Name] extends { readonly [result]?: infer Result } ? Result : never
}

type NeedsOption<Given extends Needs> = {
  /** The steps that must be behind it. Their results are in `done`, under these names; of no others. Default: none, so that it begins at once. */
  readonly needs?: Given
}

type ResultOf<Command extends CommandContract, Held> = Held extends undefined
  ? z.output<Command['ok']>
  : z.output<Command['ok']> | undefined

/**
 * Takes the steps of a plan. What needs nothing of one another runs at the same time. The rules of the chain hold, and are checked when the saga
 * is built: the pivot waits for all steps that can be undone, and the retriable steps wait for it.
 */
export interface SagaPlan<Input extends z.ZodType> {
  /** A step that can be undone; it is undone after all steps that need it. */
  step<
    Command extends CommandContract,
    Undo extends CommandContract,
    Given extends Needs = NoNeeds,
    Held extends boolean | undefined = undefined,
  >(
    name: string,
    options: NeedsOption<Given> & CompensatableOptions<Input, Needed<Given>, Command, Undo, Held>,
  ): PlannedStep<ResultOf<Command, Held>>

  /** The point of no return. */
  pivot<
    Command extends CommandContract,
    Given extends Needs = NoNeeds,
    Held extends boolean | undefined = undefined,
  >(
    name: string,
    options: NeedsOption<Given> & PivotOptions<Input, Needed<Given>, Command, Held>,
  ): PlannedStep<ResultOf<Command, Held>>

  /** A step that cannot be rejected, only take its time. */
  retriable<
    Command extends CommandContract,
    Given extends Needs = NoNeeds,
    Held extends boolean | undefined = undefined,
  >(
    name: string,
    options: NeedsOption<Given> & RetriableOptions<Input, Needed<Given>, Command, Held>,
  ): PlannedStep<ResultOf<Command, Held>>
}

type PlannedOptions = StepDraft['options'] & { readonly needs?: Needs }

/** Runs a plan and gives its steps. @throws `SAGA_DEFINITION_INVALID` for a step that is needed and is none of this plan */
export function draftsOfPlan<Input extends z.ZodType>(
  owner: string,
  plan: (steps: SagaPlan<Input>) => void,
): readonly StepDraft[] {
  const drafts: StepDraft[] = []
  const planned = new Set<PlannedStep>()
  const add =
    (phase: StepDraft['phase']) =>
    (name: string, { needs = {}, ...options }: PlannedOptions): PlannedStep => {
      for (const [needed, step] of Object.entries(needs))
        if (!planned.has(step))
          throw new BackstitchError(
            'SAGA_DEFINITION_INVALID',
            `${owner}, step ${name}: it needs ${needed}, which is no step of this plan`,
          )
      const after = [...new Set(Object.values(needs).map((step) => step.name))]
      drafts.push({ name, phase, after, options: seeing(needs, options) })
      const step = { name }
      planned.add(step)
      return step
    }
  const steps = { step: add('compensatable'), pivot: add('pivot'), retriable: add('retriable') }
  // It forgets the types of the steps, which the interface has checked.
  plan(steps as unknown as SagaPlan<Input>)
  return drafts
}

/** Mappers see what their step needs, under the names of the needs, and nothing else. */
function seeing(needs: Needs, options: StepDraft['options']): StepDraft['options'] {
  const { when, with: map } = options
  const seen = ({ input, done }: StepContext): StepContext => ({
    input,
    done: Object.fromEntries(Object.entries(needs).map(([name, step]) => [name, done[step.name]])),
  })
  return {
    ...options,
    with: (context) => map(seen(context)),
    ...(when && { when: (context: StepContext) => when(seen(context)) }),
  }
}
