import { BackstitchError } from '../../kernel/errors.ts'
import { deriveId } from '../../kernel/ids.ts'
import type { Message, ReceivedMessage } from '../../message/message.ts'
import {
  currentTrace,
  type TraceContext,
  type TraceContextSource,
  traceOfHandler,
  validTraceContext,
} from '../../message/trace-context.ts'

/** Messages that a handler sends, kept until just before the commit. */
export type OutgoingMessages = {
  /** @throws `HANDLER_FAILED` after {@link close} */
  add(messages: Message | readonly Message[]): void
  /** The messages in the order in which they were added; nothing can be added any more. */
  close(): readonly Message[]
}

/**
 * Collects what a handler sends in answer to a message. Ids are derived from the group, the handler, and the source and id of the incoming
 * message, with a running number: two groups, or two handlers, that answer one message never give the same id, and the same handler that
 * runs again gives the same ones. Cause, correlation and trace come from the incoming message unless they are given.
 *
 * @param traceContext asks a tracer where the handler stands when it sends
 * @param handler the contract that is handled: `order.placed v1`
 */
export function outgoingMessages(
  incoming: ReceivedMessage,
  group: string,
  handler: string,
  traceContext: TraceContextSource = traceOfHandler,
): OutgoingMessages {
  const list: Message[] = []
  let closed = false
  const { correlationId = incoming.id } = incoming.context
  const inherited = { correlationId, causationId: incoming.id }
  // the two headers of one trace belong together
  const traceFor = (message: Message): TraceContext => {
    if (message.context.traceparent !== undefined) return {}
    const current = currentTrace(traceContext)
    return current.traceparent === undefined ? validTraceContext(incoming.context) : current
  }
  return {
    add: (messages) => {
      if (closed)
        throw new BackstitchError(
          'HANDLER_FAILED',
          `${handler}: enqueue was called after the handler had ended`,
        )
      for (const message of Array.isArray(messages)
        ? (messages as readonly Message[])
        : [messages as Message])
        list.push({
          ...message,
          id: deriveId(incoming.id, group, handler, incoming.topic, list.length),
          context: { ...inherited, ...traceFor(message), ...message.context },
        })
    },
    close: () => {
      closed = true
      return list
    },
  }
}
