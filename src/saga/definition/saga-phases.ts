import type { z } from 'zod'
import type { CommandContract } from '../../message/command.ts'
import type { CompensatableOptions, NewStepName, PivotOptions, RetriableOptions } from './step-options.ts'

/** The results of the steps before, and of one more. */
type DoneWith<Done, Name extends string, Command extends CommandContract> = Done & {
  readonly [Step in Name]: z.output<Command['ok']>
}

/*
 * The phases of a saga are separate interfaces, each with the steps that may follow: compensatable ones, then at most one pivot, then
 * retriable ones (Richardson, Microservices Patterns). One interface with a phase as a type parameter does not stop a call.
 */

/** A saga without a step yet. */
export interface OpeningPhase<Input extends z.ZodType, Done, Built> {
  /**
   * A step that can be undone.
   *
   * When it is rejected, the steps before it are undone in reverse order. When it is not answered within its attempts, it may have
   * happened, so it is undone as well.
   *
   * @param name unique in the saga, and stable: running sagas are stored by it
   */
  step<const Name extends string, Command extends CommandContract, Undo extends CommandContract>(
    name: NewStepName<Name, Done>,
    options: CompensatableOptions<Input, Done, Command, Undo>,
  ): CompensatablePhase<Input, DoneWith<Done, Name, Command>, Built>

  /**
   * The point of no return. Rejected, it undoes the steps before it; not answered within its attempts, it parks the saga, since
   * nobody knows whether it happened; done, it leaves only the way forward.
   */
  pivot<const Name extends string, Command extends CommandContract>(
    name: NewStepName<Name, Done>,
    options: PivotOptions<Input, Done, Command>,
  ): RetriablePhase<Input, DoneWith<Done, Name, Command>, Built>
}

/** After a step that can be undone: a saga may also end here, without a pivot. */
export interface CompensatablePhase<Input extends z.ZodType, Done, Built>
  extends OpeningPhase<Input, Done, Built> {
  /** Checks the definition and compiles it. @throws `SAGA_DEFINITION_INVALID` naming the saga and the step */
  build(): Built
}

/** After the pivot. */
export interface RetriablePhase<Input extends z.ZodType, Done, Built> {
  /** A step that cannot be rejected, only take its time. Not answered within its attempts, it parks the saga. */
  retriable<const Name extends string, Command extends CommandContract>(
    name: NewStepName<Name, Done>,
    options: RetriableOptions<Input, Done, Command>,
  ): RetriablePhase<Input, DoneWith<Done, Name, Command>, Built>

  /** Checks the definition and compiles it. @throws `SAGA_DEFINITION_INVALID` naming the saga and the step */
  build(): Built
}
