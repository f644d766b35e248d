import { BackstitchError } from '../../kernel/errors.ts'
import { deriveId } from '../../kernel/ids.ts'
import type { Message } from '../../message/message.ts'
import {
  currentTrace,
  type TraceContext,
  type TraceContextSource,
  validTraceContext,
} from '../../message/trace-context.ts'
import type { Cause } from './handler-context.ts'

/** Messages that a handler sends, kept until just before the commit. */
export type OutgoingMessages = {
  /** @param causedBy may be left out where one message is handled @throws `HANDLER_FAILED` after {@link close}, or for a cause that is not handled here */
  add(messages: Message | readonly Message[], causedBy?: Cause): void
  /** The messages in the order in which they were added; nothing can be added any more. */
  close(): readonly Message[]
}

/**
 * Collects what a handler sends in answer to the messages of one transaction. Ids are derived from the group, the handler, and the source
 * and id of the message that is answered, with a running number for each of those: two groups, or two handlers, that answer one message
 * never give the same id, and the same handler that runs again gives the same ones, whatever else is in the transaction. Cause, correlation
 * and trace come from the message that is answered unless they are given.
 *
 * @param traceContext asks a tracer where the handler stands when it sends. Default: the trace of the message that is answered
 * @param handler the contract that is handled: `order.placed v1`
 */
export function outgoingMessages(
  handled: readonly Cause[],
  group: string,
  handler: string,
  traceContext?: TraceContextSource,
): OutgoingMessages {
  const list: Message[] = []
  let closed = false
  let causes: ReadonlyMap<string, { ordinal: number }> | undefined
  const only = handled.length === 1 ? { ordinal: 0 } : undefined

  const countOf = (cause: Cause): { ordinal: number } => {
    if (only !== undefined && cause === handled[0]) return only
    causes ??= new Map(handled.map((one) => [placeOf(one), only ?? { ordinal: 0 }]))
    const count = causes.get(placeOf(cause))
    if (count === undefined)
      throw new BackstitchError(
        'HANDLER_FAILED',
        `${handler}: enqueue was called with a cause that is none of the messages in hand`,
      )
    return count
  }
  const causeOf = (causedBy: Cause | undefined): Cause => {
    const cause = causedBy ?? (only && handled[0])
    if (typeof cause === 'object' && cause !== null) return cause
    throw new BackstitchError(
      'HANDLER_FAILED',
      `${handler}: enqueue was called without { causedBy: message }`,
    )
  }
  // the two headers of one trace belong together
  const traceFor = (message: Message, cause: Cause): TraceContext => {
    if (message.context.traceparent !== undefined) return {}
    const current = traceContext ? currentTrace(traceContext) : {}
    return current.traceparent === undefined ? validTraceContext(cause.context) : current
  }
  return {
    add: (messages, causedBy) => {
      if (closed)
        throw new BackstitchError(
          'HANDLER_FAILED',
          `${handler}: enqueue was called after the handler had ended`,
        )
      const cause = causeOf(causedBy)
      const count = countOf(cause)
      const { correlationId = cause.id } = cause.context
      for (const message of Array.isArray(messages)
        ? (messages as readonly Message[])
        : [messages as Message])
        list.push({
          ...message,
          id: deriveId(cause.id, group, handler, cause.topic, count.ordinal++),
          context: {
            correlationId,
            causationId: cause.id,
            ...traceFor(message, cause),
            ...message.context,
          },
        })
    },
    close: () => {
      closed = true
      return list
    },
  }
}

function placeOf({ topic, id }: Cause): string {
  return `${topic} ${id}`
}
