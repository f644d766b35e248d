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

const ourNames = [
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
] as const

/** One of backstitch’s own headers. */
type OurName = (typeof ourNames)[number]

const ours: ReadonlySet<string> = new Set(ourNames)

/** What ours hold, as it came. */
type OwnHeaders = { [Name in OurName]?: string | undefined }

type Mutable<Fields> = { -readonly [Name in keyof Fields]: Fields[Name] }

/** Whether the name is one of backstitch’s own headers, which a user’s header must not repeat. */
export function isReservedHeader(name: string): name is OurName {
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
  const own: OwnHeaders = {}
  const headers: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, value] of wire) {
    const text = value === null || typeof value === 'string' ? value : value.toString('utf8')
    if (!isReservedHeader(name)) headers[name] = text ?? ''
    else if (text === null || text === '') own[name] = undefined
    else if (isStorableText(text)) own[name] = text
    else if (isTraceHeader(name))
      own[name] = undefined // never worth a message
    else throw malformed(name, text)
  }
  const { id, type, version } = own
  if (id !== undefined && !isUuid(id)) throw malformed('id', id)
  // Assigned one by one, since each record of each group comes through here: spreads cost twice as much.
  const fields: Mutable<HeaderFields> = {
    version: version === undefined ? 1 : whole('version', version),
    context: contextOf(own),
    headers,
  }
  const contentType = own['content-type']
  const createdAt = own['created-at']
  if (id !== undefined) fields.id = id.toLowerCase()
  if (type !== undefined) fields.type = type
  if (contentType !== undefined) fields.contentType = contentType
  if (createdAt !== undefined) fields.createdAtUs = micros('created-at', createdAt)
  return fields
}

function contextOf(own: OwnHeaders): MessageContext {
  const context: Mutable<MessageContext> = {}
  const saga = sagaOf(own)
  const correlationId = own['correlation-id']
  const causationId = own['causation-id']
  const replyTo = own['reply-to']
  const expiresAt = own['expires-at']
  const { outcome, traceparent, tracestate } = own
  if (correlationId !== undefined) context.correlationId = correlationId
  if (causationId !== undefined) context.causationId = causationId
  if (traceparent !== undefined) Object.assign(context, validTraceContext(traceIn(traceparent, tracestate)))
  if (saga !== undefined) context.saga = saga
  if (replyTo !== undefined) context.replyTo = replyTo
  if (outcome !== undefined) context.outcome = outcome
  if (expiresAt !== undefined) context.expiresAtUs = micros('expires-at', expiresAt)
  return context
}

function isTraceHeader(name: string): boolean {
  return name === 'traceparent' || name === 'tracestate'
}

function traceIn(traceparent: string, tracestate: string | undefined): TraceContext {
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate }
}

function sagaOf(own: OwnHeaders): SagaContext | undefined {
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
