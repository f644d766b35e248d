import { z } from 'zod'
import { deriveId } from '../../kernel/ids.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { Message } from '../../message/message.ts'
import { startAggregateType } from '../../message/topic.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'

/** The type of the message that asks an orchestrator to start a saga. */
export const startMessageType = 'saga.start'

/** The form of its body that this version of the package writes and reads. */
export const startMessageVersion = 1

const body = z.object({
  saga: z.string(),
  version: z.int(),
  /** The business key. */
  key: z.string(),
  /** The id that the saga shall have. */
  id: z.uuid(),
  input: z.unknown(),
})

/** What a start message says. */
export type StartRequest = z.output<typeof body>

/**
 * Makes the message that a service writes to its own outbox where the tables of sagas are elsewhere.
 *
 * Its id derives from the id that the saga shall have, and so has the time of the start. Another start with the same business key is
 * another message: the table of business keys, not the inbox, makes sure that it starts nothing. So a corrected start is heard after one
 * that became a dead letter. The key of the record is the business key, so that two starts of one key come one after the other.
 */
export function startMessage(
  definition: SagaDefinition,
  start: { readonly id: string; readonly key: string; readonly input: unknown },
): Message {
  const { name, version, orchestrator } = definition
  return {
    id: deriveId(start.id, startMessageType),
    aggregateType: startAggregateType(orchestrator),
    key: start.key,
    type: startMessageType,
    version: startMessageVersion,
    body: { saga: name, version, key: start.key, id: start.id, input: start.input } satisfies StartRequest,
    headers: {},
    context: { correlationId: start.id },
  }
}

/** Reads the body of a start message. @throws `MESSAGE_MALFORMED` */
export function readStartRequest(value: unknown): StartRequest {
  const { success, data, error } = body.safeParse(value)
  if (success) return data
  throw new BackstitchError(
    'MESSAGE_MALFORMED',
    `${startMessageType}: ${error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ')}`,
  )
}
