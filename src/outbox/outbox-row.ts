import { BackstitchError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import type { Codec } from '../message/codec.ts'
import { type BodyLimits, assertWithinLimits } from '../message/limits.ts'
import type { Message } from '../message/message.ts'
import { isReservedHeader } from '../message/wire-headers.ts'

/** A row of the outbox as the writer gives it, by column name. What is left out takes the column’s default. */
export type OutboxRow = {
  readonly id: string
  readonly aggregatetype: string
  readonly aggregateid: string
  readonly type: string
  readonly version: number
  /** A body in text; neither this nor `payload_binary` is a tombstone. */
  readonly payload?: string
  /** A body in bytes, in base64. */
  readonly payload_binary?: string
  readonly content_type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly correlation_id?: string
  readonly causation_id?: string
  readonly traceparent?: string
  readonly tracestate?: string
  readonly saga_id?: string
  readonly saga_name?: string
  readonly saga_step?: string
  readonly saga_round?: number
  readonly saga_direction?: string
  readonly saga_attempt?: number
  readonly reply_to?: string
  readonly outcome?: string
  /** Microseconds since 1970, in decimal. */
  readonly expires_at_us?: string
}

/**
 * Encodes a message into its row.
 * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
 */
export function outboxRowOf(message: Message, codec: Codec, limits: BodyLimits): OutboxRow {
  const owner = `${message.type} v${message.version}`
  if (!isUuid(message.id))
    throw new BackstitchError('MESSAGE_INVALID', `${owner}: the id "${message.id}" is no UUID`)
  const { context, headers } = message
  const { saga } = context
  return {
    id: message.id,
    aggregatetype: message.aggregateType,
    aggregateid: message.key,
    type: message.type,
    version: message.version,
    ...(message.body !== null && encodedBody(message.body, codec, limits, owner)),
    ...(Object.keys(headers).length > 0 && { headers: checkedHeaders(headers, owner) }),
    ...(context.correlationId !== undefined && { correlation_id: context.correlationId }),
    ...(context.causationId !== undefined && { causation_id: context.causationId }),
    ...(context.traceparent !== undefined && { traceparent: context.traceparent }),
    ...(context.tracestate !== undefined && { tracestate: context.tracestate }),
    ...(saga && {
      saga_id: saga.id,
      saga_name: saga.name,
      saga_step: saga.step,
      saga_round: saga.round,
      saga_direction: saga.direction,
      saga_attempt: saga.attempt,
    }),
    ...(context.replyTo !== undefined && { reply_to: context.replyTo }),
    ...(context.outcome !== undefined && { outcome: context.outcome }),
    ...(context.expiresAtUs !== undefined && { expires_at_us: String(context.expiresAtUs) }),
  }
}

function encodedBody(body: unknown, codec: Codec, limits: BodyLimits, owner: string): Partial<OutboxRow> {
  const encoded = codec.encode(body, owner)
  const contentType = codec.contentType === 'application/json' ? {} : { content_type: codec.contentType }
  if (typeof encoded !== 'string') {
    assertWithinLimits('', encoded.length, limits, owner)
    return { payload_binary: encoded.toString('base64'), ...contentType }
  }
  assertWithinLimits(encoded, Buffer.byteLength(encoded), limits, owner)
  return { payload: encoded, ...contentType }
}

function checkedHeaders(
  headers: Readonly<Record<string, string>>,
  owner: string,
): Readonly<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (name === '' || isReservedHeader(name))
      throw new BackstitchError(
        'MESSAGE_INVALID',
        `${owner}: the header name "${name}" is empty or one of backstitch’s own`,
      )
    if (
      typeof value !== 'string' ||
      value.includes('\0') ||
      name.includes('\0') ||
      !value.isWellFormed() ||
      !name.isWellFormed()
    )
      throw new BackstitchError(
        'MESSAGE_INVALID',
        `${owner}: the header ${name} is no text that Postgres can hold`,
      )
  }
  return headers
}
