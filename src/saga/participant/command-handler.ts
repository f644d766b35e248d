import type { z } from 'zod'
import type { HandlerContext } from '../../inbox/events/handler-context.ts'
import type { CommandContract, Rejections } from '../../message/command.ts'
import type { ReceivedMessage, SagaContext } from '../../message/message.ts'
import type { CommandOutcome, OkOutcome, Reject } from './command-outcome.ts'

/** What a command’s handler has beside the request. */
export type CommandContext<Ok extends z.ZodType = z.ZodType, Rejected extends Rejections = Rejections> = Omit<
  HandlerContext,
  'attempt'
> & {
  /** Makes the answer `ok`. @throws `MESSAGE_INVALID` */
  readonly ok: (body: z.input<Ok>) => OkOutcome<Ok>
  /** Makes a rejection: `rejected.outOfStock({ … })`. @throws `MESSAGE_INVALID` */
  readonly rejected: Reject<Rejected>
  /** Where the command stands in its saga; absent for a command of no saga. */
  readonly saga?: SagaContext
  /** The whole command: its id, key, headers and the place where it was read. */
  readonly message: ReceivedMessage
  /** Counts the tries of this very message from 1, in this process. The orchestrator’s own attempts are counted by `saga.attempt`. */
  readonly attempt: number
}

/** A contract with its handler: what {@link handle} makes and a participant takes. */
export type CommandHandler = {
  readonly contract: CommandContract
  readonly handler: (request: unknown, context: CommandContext) => Promise<CommandOutcome> | CommandOutcome
}

/**
 * Says how a participant carries out a command. The handler’s effects in the database, its outcome and the reply are one transaction:
 * applied once for all attempts of a step, which all get the same answer.
 *
 * A handler that throws leaves the outcome unknown: it is tried again, and never taken for a no. A rejection is a business answer: it is
 * committed with whatever the handler wrote before it, and such a step is never undone. So look first, then write.
 *
 * The undo of a step is a command like any other. It is called only when the step’s command was carried out with `ok`.
 *
 * @example
 * handle(ReserveStock, async ({ sku, quantity }, { tx, ok, rejected }) => {
 *   const { rows } = await tx.query('select left from item where sku = $1 for update', [sku])
 *   if (rows[0].left < quantity) return rejected.outOfStock({ sku, left: rows[0].left })
 *   …
 *   return ok({ reservationId })
 * })
 */
export function handle<Request extends z.ZodType, Ok extends z.ZodType, Rejected extends Rejections>(
  contract: CommandContract<string, Request, Ok, Rejected>,
  handler: (
    request: z.output<Request>,
    context: CommandContext<Ok, Rejected>,
  ) => Promise<CommandOutcome<Ok, Rejected>> | CommandOutcome<Ok, Rejected>,
): CommandHandler {
  return {
    contract,
    // The reader has validated the request with this very contract, and the makers in the context are made of it.
    handler: handler as unknown as CommandHandler['handler'],
  }
}
