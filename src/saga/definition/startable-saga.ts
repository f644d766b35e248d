import type { z } from 'zod'
import type { CallerTransaction } from '../../kernel/caller-transaction.ts'
import { sagaBuilderFor } from './saga-builder.ts'
import type { SagaDefinition } from './saga-definition.ts'
import type { SagaOptions } from './saga-draft.ts'
import type { BlankPhase } from './saga-phases.ts'

/**
 * Starts sagas of one definition in the caller’s transaction, one for each input, and tells of each in the same order.
 * The inputs come as the caller gave them: the starter validates them (`startSaga` of the machine does).
 *
 * @typeParam Started what a caller gets to know of a start
 */
export type SagaStarter<Started> = (
  definition: SagaDefinition,
  tx: CallerTransaction,
  inputs: readonly unknown[],
) => Promise<readonly Started[]>

/** A definition that can be started: what `saga(...)...build()` gives an application. */
export type StartableSaga<Input extends z.ZodType, Started> = SagaDefinition<Input> & {
  /**
   * Starts a saga in the caller’s transaction: its row, its first command and its timer commit, or roll back, with the domain change.
   *
   * @throws `MESSAGE_INVALID` when the input does not fit; the transaction is still usable
   * @example await placeOrder.start(tx, order)
   */
  start(tx: CallerTransaction, input: z.input<Input>): Promise<Started>
  /** Starts many with one statement of each kind. Those that exist already are told apart, not refused. */
  startMany(tx: CallerTransaction, inputs: readonly z.input<Input>[]): Promise<readonly Started[]>
}

/**
 * Makes the function `saga` of an application: {@link sagaBuilderFor} whose `build()` adds `start` and `startMany`, which call the starter.
 * The engine knows no database, so the runtime brings the starter.
 *
 * @example export const saga = createSagaBuilder(startInPostgres)
 */
export function createSagaBuilder<Started>(
  starter: SagaStarter<Started>,
): <Input extends z.ZodType>(
  name: string,
  options: SagaOptions<Input>,
) => BlankPhase<Input, StartableSaga<Input, Started>> {
  return (name, options) =>
    sagaBuilderFor(name, options, (definition) => {
      const startMany = async (tx: CallerTransaction, inputs: readonly unknown[]) => {
        if (inputs.length === 0) return []
        return starter(definition, tx, inputs)
      }
      return {
        ...definition,
        startMany,
        start: async (tx, input) => {
          const [started] = await startMany(tx, [input])
          return started as Started // The starter tells of each input.
        },
      }
    })
}
