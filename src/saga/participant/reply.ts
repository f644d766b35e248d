import { deriveId } from '../../kernel/ids.ts'
import type { Message, ReceivedMessage } from '../../message/message.ts'

/** An answer: `ok` or `rejected.<name>` with a body of the contract, or `refused`. */
export type Answer = { readonly outcome: string; readonly body: unknown }

/**
 * The answer to a forward command that comes after its undo: it has not taken effect and never will. Whoever sent it has long turned back,
 * so it settles nothing.
 */
export const refused: Answer = { outcome: 'refused', body: { reason: 'undone' } }

/**
 * The answer to the undo of what has not happened, or was rejected: `ok`, for nothing of it is left. It has no body (the record no value),
 * since no handler was there to make one.
 */
export const nothingToUndo: Answer = { outcome: 'ok', body: null }

/**
 * Makes the reply to a command, or nothing where none is wanted (no header `reply-to`). Its id derives from the command’s: a true duplicate
 * of the command gives a true duplicate of the reply, while the same answer to another attempt is another message, which the inbox of the
 * orchestrator lets pass. It goes back in the saga’s context as it came, so with the incoming attempt.
 */
export function replyTo(command: ReceivedMessage, { outcome, body }: Answer): Message | undefined {
  const { replyTo: aggregateType, saga, correlationId, traceparent, tracestate } = command.context
  if (aggregateType === undefined) return undefined
  return {
    id: deriveId(command.id, 'reply'),
    aggregateType,
    key: saga?.id ?? command.key,
    type: `${command.type}.reply`,
    version: command.version,
    body,
    headers: {},
    context: {
      correlationId: saga?.id ?? correlationId ?? command.id,
      causationId: command.id,
      outcome,
      ...(traceparent !== undefined && { traceparent }),
      ...(tracestate !== undefined && { tracestate }),
      ...(saga && { saga }),
    },
  }
}
