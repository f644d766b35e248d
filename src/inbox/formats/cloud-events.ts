import { BackstitchError } from '../../kernel/errors.ts'
import { deriveId, idOfTime, isUuid } from '../../kernel/ids.ts'
import type { MessageContext } from '../../message/message.ts'
import { isStorableText, quoted } from '../../message/storable-text.ts'
import { type TraceContext, validTraceContext } from '../../message/trace-context.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'
import type { FormatTools, WireContent, WireMessage } from './message-format.ts'
import { headerTexts, isJson, mediaType } from './wire-text.ts'

/** How CloudEvents lie in Kafka records: attributes in headers `ce_…` and the data as value, or all of it as one JSON value. */
export type CloudEventMode = 'binary' | 'structured'

/** The mode of a record that says it is a CloudEvent, unless it has a header `type` and so is one of ours. */
export function cloudEventMode({ headers }: ReceivedRecord): CloudEventMode | undefined {
  let mode: CloudEventMode | undefined
  for (const [name, value] of headers) {
    if (name === 'type') return undefined
    if (name === 'ce_specversion') mode ??= 'binary'
    else if (
      name === 'content-type' &&
      value.toString('latin1', 0, 23).toLowerCase() === 'application/cloudevents'
    )
      mode = 'structured'
  }
  return mode
}

/** Attributes by name, as texts. */
type Attributes = Readonly<Record<string, string>>

/**
 * Reads a CloudEvent of version 1.0, by its Kafka protocol binding and its JSON event format. The message’s id is derived from `source` and
 * `id`, which name an event together; every attribute is also a header `ce_<name>`, in both modes.
 *
 * @throws `MESSAGE_MALFORMED` for another version or event format, or where an attribute is missing that every event has
 */
export function cloudEvent(record: ReceivedRecord, mode: CloudEventMode, tools: FormatTools): WireMessage {
  const headers = headerTexts(record)
  const contentType = headers['content-type']
  delete headers['content-type']
  const { attributes, content } =
    mode === 'binary'
      ? { attributes: binaryAttributes(headers), content: binaryContent(record, contentType) }
      : structured(record, contentType ?? '', tools)
  const { specversion } = attributes
  if (specversion !== '1.0') throw malformed(`its specversion is ${quoted(specversion)}, and 1.0 is read`)
  const createdAtUs = microsOf(attributes['time'])
  for (const [name, text] of Object.entries(attributes)) headers[`ce_${name}`] = text
  return {
    id: idOf(required(attributes, 'source'), required(attributes, 'id')),
    type: required(attributes, 'type'),
    ...(createdAtUs !== undefined && { createdAtUs }),
    context: contextOf(headers, attributes),
    headers,
    content,
  }
}

function binaryAttributes(headers: Attributes): Record<string, string> {
  const attributes = Object.create(null) as Record<string, string>
  for (const [name, text] of Object.entries(headers))
    if (name.startsWith('ce_')) attributes[name.slice(3)] = text
  return attributes
}

function binaryContent({ value }: ReceivedRecord, contentType: string | undefined): WireContent {
  if (value === null) return { kind: 'none' }
  // No data at all, which is no tombstone.
  if (value.length === 0 && contentType === undefined) return { kind: 'body', body: undefined }
  return bytesOf(value, contentType)
}

function structured(
  { value }: ReceivedRecord,
  contentType: string,
  { parseJson }: FormatTools,
): { attributes: Record<string, string>; content: WireContent } {
  if (mediaType(contentType) !== 'application/cloudevents+json')
    throw malformed(`its event format is ${quoted(contentType)}, and application/cloudevents+json is read`)
  const event = value === null ? null : parseJson(value)
  if (typeof event !== 'object' || event === null || Array.isArray(event))
    throw malformed('it is no JSON object')
  const attributes = Object.create(null) as Record<string, string>
  let content: WireContent = { kind: 'body', body: undefined }
  for (const [name, field] of Object.entries(event) as [string, unknown][]) {
    if (name === 'data' || name === 'data_base64' || field === null) continue
    if (typeof field === 'object') throw malformed(`its attribute ${quoted(name)} is no single value`)
    attributes[name] = textOf(field)
  }
  const { datacontenttype } = attributes
  const { data, data_base64: base64 } = event as { data?: unknown; data_base64?: unknown }
  if (typeof base64 === 'string') content = bytesOf(Buffer.from(base64, 'base64'), datacontenttype)
  else if (data !== undefined && data !== null)
    content =
      datacontenttype === undefined || isJson(datacontenttype)
        ? { kind: 'body', body: data }
        : bytesOf(Buffer.from(textOf(data)), datacontenttype)
  return { attributes, content }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Kinds of JSON are JSON to the codec. */
function bytesOf(bytes: Buffer, contentType: string | undefined): WireContent {
  if (contentType === undefined) return { kind: 'bytes', bytes }
  return { kind: 'bytes', bytes, contentType: isJson(contentType) ? 'application/json' : contentType }
}

/**
 * Only source and id together name an event: whoever passes one on under its own source may keep the id. The time is no part of it, since a
 * producer that makes its event anew for another try has another time.
 */
function idOf(source: string, id: string): string {
  return deriveId(isUuid(id) ? id : idOfTime(0), 'cloudevents', source, id)
}

function contextOf(headers: Attributes, attributes: Attributes): MessageContext {
  const { correlationid, causationid } = attributes
  const own = traceIn(headers)
  return {
    ...(isStorableText(correlationid) && { correlationId: correlationid }),
    ...(isStorableText(causationid) && { causationId: causationid }),
    ...(own.traceparent === undefined ? traceIn(attributes) : own),
  }
}

function traceIn({ traceparent, tracestate }: Attributes): TraceContext {
  return validTraceContext({
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
  })
}

/** A time of RFC 3339; one that is none is never worth an event. */
function microsOf(time: string | undefined): bigint | undefined {
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/i.exec(time ?? '')
  if (parts === null) return undefined
  const [, seconds = '', fraction = '', zone = ''] = parts
  const ms = Date.parse(`${seconds}${zone}`.toUpperCase())
  return Number.isNaN(ms) ? undefined : BigInt(ms) * 1_000n + BigInt(fraction.slice(0, 6).padEnd(6, '0'))
}

function required(attributes: Attributes, name: string): string {
  const text = attributes[name]
  if (text === undefined || text === '') throw malformed(`its attribute ${name} is missing`)
  if (!isStorableText(text)) throw malformed(`its attribute ${name} holds ${quoted(text)}`)
  return text
}

function malformed(what: string): BackstitchError {
  return new BackstitchError('MESSAGE_MALFORMED', `a CloudEvent: ${what}`)
}
