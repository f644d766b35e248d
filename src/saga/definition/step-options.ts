import type { z } from 'zod'
import type { BackoffPolicy } from '../../kernel/backoff.ts'
import type { Duration } from '../../kernel/duration.ts'
import type { CommandContract } from '../../message/command.ts'

/** How often a command is sent again while no answer comes. What is left out takes the default of its phase. */
export type StepRetry = {
  /** Sends in all, the first included: 1 to 1,000,000. Default 5, of retriable steps and of undos 10. */
  readonly attemptsMax?: number
  /**
   * What is added to the timeout of the second and each later attempt, in milliseconds.
   * Default 5 s, doubling, up to 60 s: with a timeout of 30 s the attempts wait 30, 35, 40, 50 and 70 s.
   */
  readonly backoff?: Partial<BackoffPolicy>
}

/**
 * A function that makes the request of a command. Written as a conditional type, since only of those does the compiler look up what it
 * has inferred of the command before it reads the function’s body: so `speed: 'fast'` keeps its literal type.
 */
type Mapper<Command extends CommandContract, Context> = Command extends {
  readonly request: infer Request
}
  ? (context: Context) => z.input<Request>
  : never

/** What every step has. `Done` holds the results of the steps before, by name; `Held` is what a condition gives, `undefined` where there is none. */
type SendOptions<Input extends z.ZodType, Done, Command extends CommandContract, Held> = {
  /** The command that does the step. */
  readonly send: Command
  /**
   * Whether the step is done at all: asked once, when it would begin. Pure. Where it says no the step is passed over, its result is
   * `undefined` for the steps after it, and there is nothing to undo. Default: always.
   */
  readonly when?: (context: { readonly input: z.output<Input>; readonly done: Done }) => Held
  /**
   * Makes the request of the saga’s input and the results of the steps before. Pure: its result is validated by the contract and stored
   * before it is sent, and every attempt sends that same request. Held it throws, the saga is parked, and an operator’s `retry` runs it again.
   *
   * A result is missing (`undefined`) at run time where an operator has skipped its step.
   */
  readonly with: Mapper<Command, { readonly input: z.output<Input>; readonly done: Done }>
  /** How long the first attempt waits for its answer. Default 30 s, at most 2,147,483,647 ms (24 days). */
  readonly timeout?: Duration
  readonly retry?: StepRetry
}

/** What takes the effect of a compensatable step back. */
type UndoOptions<Input extends z.ZodType, Command extends CommandContract, Undo extends CommandContract> = {
  /** A command of the service that carries the step out: nobody else knows whether there is something to undo. */
  readonly send: Undo
  /**
   * Makes the request of the undo. Runs once, and its result is stored before it is sent.
   *
   * `result` is absent where no answer of the step has come: it may or may not have happened. An undo must be possible from the input and
   * the request alone; the participant knows what it did.
   */
  readonly with: Mapper<
    Undo,
    {
      readonly input: z.output<Input>
      readonly request: z.output<Command['request']>
      readonly result?: z.output<Command['ok']>
    }
  >
  readonly timeout?: Duration
  readonly retry?: StepRetry
}

/** A step before the pivot. Without an `undo` it has no effect that would have to be taken back (it only reads, say). */
export type CompensatableOptions<
  Input extends z.ZodType,
  Done,
  Command extends CommandContract,
  Undo extends CommandContract,
  Held,
> = SendOptions<Input, Done, Command, Held> & { readonly undo?: UndoOptions<Input, Command, Undo> }

/** The point of no return: once it is done the saga only goes forward. Nothing undoes it, since its outcome decides. */
export type PivotOptions<Input extends z.ZodType, Done, Command extends CommandContract, Held> = SendOptions<
  Input,
  Done,
  Command,
  Held
> & { readonly undo?: never }

/** A step after the pivot: it is tried until it is done, so its command must have no rejections. */
export type RetriableOptions<
  Input extends z.ZodType,
  Done,
  Command extends CommandContract,
  Held,
> = SendOptions<Input, Done, Command, Held> & { readonly send: Unrefusable<Command>; readonly undo?: never }

/** Anything, if the command cannot be rejected; else a type that it does not have, whose text the compiler shows. */
type Unrefusable<Command extends CommandContract> = [keyof Command['rejected']] extends [never]
  ? unknown
  : { readonly rejected: 'a command with rejections cannot follow the pivot' }

/** The name itself, unless a step has it already; then a text that the compiler shows. */
export type NewStepName<Name extends string, Done> = Name extends keyof Done
  ? `a step is named ${Name} already`
  : Name
