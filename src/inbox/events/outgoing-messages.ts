import { BackstitchError } from '../../kernel/errors.ts'
import { deriveId } from '../../kernel/ids.ts'
import type { Message, ReceivedMessage } from '../../message/message.ts'

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
 * @param handler the contract that is handled: `order.placed v1`
 */
export function outgoingMessages(
  incoming: ReceivedMessage,
  group: string,
  handler: string,
): OutgoingMessages {
  const list: Message[] = []
  let closed = false
  const { correlationId = incoming.id, traceparent, tracestate } = incoming.context
  const inherited = {
    correlationId,
    causationId: incoming.id,
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
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
          context: { ...inherited, ...message.context },
        })
    },
    close: () => {
      closed = true
      return list
    },
  }
}
