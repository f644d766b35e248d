import { deriveId } from '../../kernel/ids.ts'
import type { Message } from '../../message/message.ts'
import { replyAggregateType } from '../../message/topic.ts'
import type { SagaEffect } from '../machine/saga-effect.ts'
import type { SagaCause } from './saga-cause.ts'

/** The saga that sends. */
export type Sender = { readonly id: string; readonly name: string; readonly orchestrator: string }

/** Makes the message of a `send` effect. Its id derives from the cause and from what it is in its saga. */
export function commandMessage(
  saga: Sender,
  effect: Extract<SagaEffect, { kind: 'send' }>,
  cause: SagaCause,
): Message {
  const { command, request, key, step, direction, round, attempt } = effect
  return {
    id: deriveId(cause.idBase, cause.messageId ?? '', 'command', saga.id, step, direction, round, attempt),
    aggregateType: command.aggregateType,
    key,
    type: command.name,
    version: command.version,
    body: request,
    headers: {},
    context: {
      correlationId: saga.id,
      ...(cause.messageId !== undefined && { causationId: cause.messageId }),
      ...(cause.traceparent !== undefined && { traceparent: cause.traceparent }),
      ...(cause.tracestate !== undefined && { tracestate: cause.tracestate }),
      saga: { id: saga.id, name: saga.name, step, round, direction, attempt },
      replyTo: replyAggregateType(saga.orchestrator),
    },
  }
}
