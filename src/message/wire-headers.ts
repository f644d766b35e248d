import { BackstitchError } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import type { MessageContext, SagaContext } from './message.ts'
import { isStorableText, quoted } from './storable-text.ts'
import { type TraceContext, validTraceContext } from './trace-context.ts'

/** Kafka headers as a transport hands them over: in order, names may repeat, and Kafka knows headers without a value. */
export type WireHeaders = readonly (readonly [name: string, value: Buffer | string | null])[]

/** What the headers of a record say. `id` and `type` are absent in records of foreign producers. */
export type HeaderFields = {
  readonly id?: string
  readonly type?: string
  readonly version: number
  readonly contentType?: string
  readonly createdAtUs?: bigint
  readonly context: MessageContext
  /** All that is not ours. */
  readonly headers: Readonly<Record<string, string>>
}

const ours = new Set([
  'id',
  'type',
  'version',
  'content-type',
  'created-at',
  'correlation-id',
  'causation-id',
  'traceparent',
  'tracestate',
  'saga-id',
  'saga-name',
  'saga-step',
  'saga-round',
  'saga-direction',
  'saga-attempt',
  'reply-to',
  'outcome',
  'expires-at',
  'replay-id',
])

/** Whether the name is one of backstitch’s own headers, which a user’s header must not repeat. */
export function isReservedHeader(name: string): boolean {
  return ours.has(name)
}

/**
 * Reads the headers of a record. Where a name comes twice the last one counts; one of ours that is empty or without a value counts as absent, as
 * a router that makes headers of columns sends it for a column that is null.
 * Times are microseconds since 1970 in decimal, as Debezium’s router writes a `timestamp` column into a header. An invalid trace context
 * counts as absent.
 *
 * @throws `MESSAGE_MALFORMED` when one of ours does not hold what it must, or what the outbox could not hand on
 */
export function readWireHeaders(wire: WireHeaders): HeaderFields {
  const own: Record<string, string> = Object.create(null) as Record<string, string>
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of wire) {
    const text = value === null || typeof value === 'string' ? value : value.toString('utf8')
    if (!ours.has(name)) headers[name] = text ?? ''
    else if (text === null || text === '') delete own[name]
    else if (isStorableText(text)) own[name] = text
    else if (isTraceHeader(name))
      delete own[name] // never worth a message
    else throw malformed(name, text)
  }
  const id = own['id']
  if (id !== undefined && !isUuid(id)) throw malformed('id', id)
  return {
    ...(id !== undefined && { id: id.toLowerCase() }),
    ...(own['type'] !== undefined && { type: own['type'] }),
    version: own['version'] === undefined ? 1 : whole('version', own['version']),
    ...(own['content-type'] !== undefined && { contentType: own['content-type'] }),
    ...(own['created-at'] !== undefined && { createdAtUs: micros('created-at', own['created-at']) }),
    context: contextOf(own),
    headers,
  }
}

function contextOf(own: Record<string, string>): MessageContext {
  const saga = sagaOf(own)
  return {
    ...(own['correlation-id'] !== undefined && { correlationId: own['correlation-id'] }),
    ...(own['causation-id'] !== undefined && { causationId: own['causation-id'] }),
    ...validTraceContext(traceIn(own)),
    ...(saga && { saga }),
    ...(own['reply-to'] !== undefined && { replyTo: own['reply-to'] }),
    ...(own['outcome'] !== undefined && { outcome: own['outcome'] }),
    ...(own['expires-at'] !== undefined && { expiresAtUs: micros('expires-at', own['expires-at']) }),
  }
}

function isTraceHeader(name: string): boolean {
  return name === 'traceparent' || name === 'tracestate'
}

function traceIn({ traceparent, tracestate }: Record<string, string>): TraceContext {
  return {
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
  }
}

function sagaOf(own: Record<string, string>): SagaContext | undefined {
  const id = own['saga-id']
  if (id === undefined) return undefined
  if (!isUuid(id)) throw malformed('saga-id', id)
  const direction = own['saga-direction'] ?? 'do'
  if (direction !== 'do' && direction !== 'undo') throw malformed('saga-direction', direction)
  return {
    id: id.toLowerCase(),
    name: own['saga-name'] ?? '',
    step: own['saga-step'] ?? '',
    round: whole('saga-round', own['saga-round'] ?? '1'),
    direction,
    attempt: whole('saga-attempt', own['saga-attempt'] ?? '1'),
  }
}

function whole(name: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw malformed(name, text)
  return Number(text)
}

function micros(name: string, text: string): bigint {
  if (!/^-?\d{1,19}$/.test(text)) throw malformed(name, text) // any timestamp of Postgres, years before 1970 too
  return BigInt(text)
}

function malformed(name: string, text: string): BackstitchError {
  return new BackstitchError('MESSAGE_MALFORMED', `the header ${name} holds ${quoted(text)}`)
}
