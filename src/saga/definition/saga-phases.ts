import type { z } from 'zod'
import type { CommandContract } from '../../message/command.ts'
import type { CompensatableOptions, NewStepName, PivotOptions, RetriableOptions } from './step-options.ts'
import type { SagaPlan } from './saga-plan.ts'

/** The results of the steps before, and of one more; that of a step with a condition may be absent. */
type DoneWith<Done, Name extends string, Command extends CommandContract, Held> = Done & {
  readonly [Step in Name]: Held extends undefined
    ? z.output<Command['ok']>
    : z.output<Command['ok']> | undefined
}

/*
 * The phases of a saga are separate interfaces, each with the steps that may follow: compensatable ones, then at most one pivot, then
 * retriable ones (Richardson, Microservices Patterns). One interface with a phase as a type parameter does not stop a call.
 */

/** A saga of which nothing is said yet: a chain of steps, or a plan. */
export interface BlankPhase<Input extends z.ZodType, Built> extends OpeningPhase<Input, NothingDone, Built> {
  /**
   * Takes all steps in one function, each with the steps that it needs: for sagas whose branches part and join in more ways than a chain can say.
   * The function runs once, here.
   *
   * @throws `SAGA_DEFINITION_INVALID` naming the saga and the step
   * @example
   * const placeOrder = saga('place-order', { version: 1, input: Order, key: (order) => order.orderId }).plan((steps) => {
   *   const reserve = steps.step('reserve', { send: ReserveStock, with: ({ input }) => input, undo: { ... } })
   *   const credit = steps.step('credit', { send: CheckCredit, with: ({ input }) => input })
   *   const charge = steps.pivot('charge', { needs: { reserve, credit }, send: ChargeCard, with: ({ input, done }) => ... })
   *   steps.retriable('ship', { needs: { charge, reserve }, send: ShipOrder, with: ({ done }) => done.reserve.reservationId })
   * })
   */
  plan(plan: (steps: SagaPlan<Input>) => void): Built
}

/** No step is done yet. */
type NothingDone = Record<never, never>

/** A saga without a step yet. */
export interface OpeningPhase<Input extends z.ZodType, Done, Built> {
  /**
   * A step that can be undone.
   *
   * Held it is rejected, the steps before it are undone in reverse order. Held it is not answered within its attempts, it may have
   * happened, so it is undone as well.
   *
   * @param name unique in the saga, and stable: running sagas are stored by it
   */
  step<
    const Name extends string,
    Command extends CommandContract,
    Undo extends CommandContract,
    Held extends boolean | undefined = undefined,
  >(
    name: NewStepName<Name, Done>,
    options: CompensatableOptions<Input, Done, Command, Undo, Held>,
  ): CompensatablePhase<Input, DoneWith<Done, Name, Command, Held>, Built>

  /**
   * Branches that run at the same time; what follows waits for all of them and sees the results of all. Held a step of one is rejected, no
   * step of the others is begun any more; what they have on its way is waited for, and then all of them are undone, each in reverse order.
   *
   * @throws `SAGA_DEFINITION_INVALID` for less than two branches, and for a branch without a step
   * @example .parallel(
   *   (goods) => goods.step('reserve', { send: ReserveStock, with: ... }).step('pack', { send: PackGoods, with: ... }),
   *   (credit) => credit.step('check', { send: CheckCredit, with: ... }),
   * )
   */
  parallel<const Branches extends readonly ((branch: CompensatableBranch<Input, Done>) => BranchEnd)[]>(
    ...branches: Branches
  ): CompensatablePhase<Input, Done & DoneIn<Branches>, Built>

  /**
   * The point of no return. Rejected, it undoes the steps before it; not answered within its attempts, it parks the saga, since
   * nobody knows whether it happened; done, it leaves only the way forward.
   */
  pivot<
    const Name extends string,
    Command extends CommandContract,
    Held extends boolean | undefined = undefined,
  >(
    name: NewStepName<Name, Done>,
    options: PivotOptions<Input, Done, Command, Held>,
  ): RetriablePhase<Input, DoneWith<Done, Name, Command, Held>, Built>
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
  retriable<
    const Name extends string,
    Command extends CommandContract,
    Held extends boolean | undefined = undefined,
  >(
    name: NewStepName<Name, Done>,
    options: RetriableOptions<Input, Done, Command, Held>,
  ): RetriablePhase<Input, DoneWith<Done, Name, Command, Held>, Built>

  /** Branches that run at the same time; what follows waits for all of them and sees the results of all. */
  parallel<const Branches extends readonly ((branch: RetriableBranch<Input, Done>) => BranchEnd)[]>(
    ...branches: Branches
  ): RetriablePhase<Input, Done & DoneIn<Branches>, Built>

  /** Checks the definition and compiles it. @throws `SAGA_DEFINITION_INVALID` naming the saga and the step */
  build(): Built
}

/** Carries the results of a branch to where the branches join; there is no such member at run time. */
declare const results: unique symbol

/** What a branch ends with. */
interface BranchEnd {
  readonly [results]?: unknown
}

/** One of several branches before the pivot. Its steps see the results before the branches and those of their own branch. */
interface CompensatableBranch<Input extends z.ZodType, Done> extends BranchEnd {
  readonly [results]?: Done

  /** A step that can be undone, as outside of branches. */
  step<
    const Name extends string,
    Command extends CommandContract,
    Undo extends CommandContract,
    Held extends boolean | undefined = undefined,
  >(
    name: NewStepName<Name, Done>,
    options: CompensatableOptions<Input, Done, Command, Undo, Held>,
  ): CompensatableBranch<Input, DoneWith<Done, Name, Command, Held>>

  /** Branches of this branch. */
  parallel<const Branches extends readonly ((branch: CompensatableBranch<Input, Done>) => BranchEnd)[]>(
    ...branches: Branches
  ): CompensatableBranch<Input, Done & DoneIn<Branches>>
}

/** One of several branches after the pivot. */
interface RetriableBranch<Input extends z.ZodType, Done> extends BranchEnd {
  readonly [results]?: Done

  /** A step that cannot be rejected, as outside of branches. */
  retriable<
    const Name extends string,
    Command extends CommandContract,
    Held extends boolean | undefined = undefined,
  >(
    name: NewStepName<Name, Done>,
    options: RetriableOptions<Input, Done, Command, Held>,
  ): RetriableBranch<Input, DoneWith<Done, Name, Command, Held>>

  /** Branches of this branch. */
  parallel<const Branches extends readonly ((branch: RetriableBranch<Input, Done>) => BranchEnd)[]>(
    ...branches: Branches
  ): RetriableBranch<Input, Done & DoneIn<Branches>>
}

/** The results of all branches together. */
type DoneIn<Branches extends readonly unknown[]> = Branches extends readonly [infer First, ...infer Rest]
  ? (First extends (branch: never) => { readonly [results]?: infer Done } ? Done : unknown) & DoneIn<Rest>
  : unknown
