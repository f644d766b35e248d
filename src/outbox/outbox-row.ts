import { BackstitchError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import type { Codec } from '../message/codec.ts'
import { assertKey } from '../message/contract.ts'
import { type BodyLimits, assertWithinLimits } from '../message/limits.ts'
import type { Message } from '../message/message.ts'
import { isStorableText, quoted } from '../message/storable-text.ts'
import { validTraceContext } from '../message/trace-context.ts'
import { isAggregateType } from '../message/topic.ts'
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

/** Bytes of all that is not the body: key, headers, context. With a body at its limit the record still fits into Kafka’s default limit. */
const envelopeBytesMax = 100_000

/**
 * Encodes a message into its row, and refuses one that Postgres or Kafka would: the transaction stays usable, and the relay meets no record
 * that can never be sent. An invalid trace context is dropped.
 * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
 */
export function outboxRowOf(message: Message, codec: Codec, limits: BodyLimits): OutboxRow {
  if (typeof message !== 'object' || message === null)
    throw new BackstitchError('MESSAGE_INVALID', `${quoted(message)} is no message`)
  const owner = `${message.type} v${message.version}`
  const { context, headers } = message
  const { saga } = context
  const { traceparent, tracestate } = validTraceContext(context)
  const envelope = {
    id: message.id,
    aggregatetype: message.aggregateType,
    aggregateid: message.key,
    type: message.type,
    version: message.version,
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(context.correlationId !== undefined && { correlation_id: context.correlationId }),
    ...(context.causationId !== undefined && { causation_id: context.causationId }),
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
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
  assertEnvelope(envelope, owner)
  return { ...envelope, ...(message.body !== null && encodedBody(message.body, codec, limits, owner)) }
}

function encodedBody(body: unknown, codec: Codec, limits: BodyLimits, owner: string): Partial<OutboxRow> {
  const encoded = codec.encode(body, owner)
  const isJson = codec.contentType === 'application/json'
  const contentType = isJson ? {} : { content_type: codec.contentType }
  if (typeof encoded !== 'string') {
    assertWithinLimits('', encoded.length, limits, owner)
    return { payload_binary: encoded.toString('base64'), ...contentType }
  }
  assertWithinLimits(isJson ? encoded : '', Buffer.byteLength(encoded), limits, owner)
  if (!isStorableText(encoded))
    throw new BackstitchError(
      'MESSAGE_INVALID',
      `${owner}: the codec’s text holds a NUL or a lone surrogate; such a body must be encoded into bytes`,
    )
  return { payload: encoded, ...contentType }
}

function assertEnvelope(envelope: OutboxRow, owner: string): void {
  const {
    id,
    aggregatetype,
    aggregateid,
    type,
    headers = {},
    saga_id: sagaId,
    saga_direction,
    expires_at_us,
  } = envelope
  if (!isUuid(id)) throw refused(owner, 'the id', id)
  if (!isAggregateType(aggregatetype)) throw refused(owner, 'the aggregate type', aggregatetype)
  assertKey(aggregateid, owner)
  if (type === '') throw refused(owner, 'the type', type)
  if (sagaId !== undefined && !isUuid(sagaId)) throw refused(owner, 'the id of the saga', sagaId)
  if (saga_direction !== undefined && saga_direction !== 'do' && saga_direction !== 'undo')
    throw refused(owner, 'the direction', saga_direction)
  // Sixteen digits reach the year 2286. Postgres multiplies an interval in a double, which is exact to a microsecond until then.
  if (expires_at_us !== undefined && !/^\d{1,16}$/.test(expires_at_us))
    throw refused(owner, 'the expiry', expires_at_us)

  const { headers: _, ...columns } = envelope
  let bytes = 0
  for (const [column, value] of Object.entries(columns)) {
    if (counts.has(column) ? !isCount(value) : !isStorableText(value)) throw refused(owner, column, value)
    bytes += Buffer.byteLength(String(value))
  }
  for (const [name, value] of Object.entries(headers)) {
    if (name === '' || isReservedHeader(name))
      throw new BackstitchError(
        'MESSAGE_INVALID',
        `${owner}: the header name ${quoted(name)} is empty or one of backstitch’s own`,
      )
    if (!isStorableText(name) || !isStorableText(value))
      throw refused(owner, `the header ${quoted(name)}`, value)
    bytes += Buffer.byteLength(name) + Buffer.byteLength(value)
  }
  if (bytes > envelopeBytesMax)
    throw new BackstitchError(
      'MESSAGE_TOO_LARGE',
      `${owner}: ${bytes} bytes of key, headers and context, the limit is ${envelopeBytesMax}`,
    )
}

/** The columns of type integer. */
const counts: ReadonlySet<string> = new Set(['version', 'saga_round', 'saga_attempt'])

function isCount(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= 2_147_483_647
}

function refused(owner: string, what: string, value: unknown): BackstitchError {
  const shown = typeof value === 'number' ? value : quoted(value)
  return new BackstitchError('MESSAGE_INVALID', `${owner}: ${what} cannot be ${shown}`)
}
