import type { z } from 'zod'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import { type Codec, jsonCodec } from '../message/codec.ts'
import { assertBytesWithinLimits, assertWithinLimits, type BodyLimits } from '../message/limits.ts'
import type { ReceivedMessage } from '../message/message.ts'
import { quoted } from '../message/storable-text.ts'
import { validateBody } from '../message/validate.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'
import type { FormatTools, MessageFormat, MessageFormats, WireMessage } from './formats/message-format.ts'
import { standardFormat } from './formats/standard-format.ts'
import { headerText, isJson, mediaType } from './formats/wire-text.ts'
import { recordId } from './record-id.ts'

/** One kind of message that a group reads, and what it is for. */
export type Route<Target> = {
  /** Its whole name. */
  readonly topic: string
  readonly aggregateType: string
  readonly type: string
  readonly version: number
  readonly schema: z.ZodType
  /** Whether a record without a value is handed on; else it is skipped. */
  readonly takesTombstones: boolean
  /** Makes the message of it that the target takes. What it throws makes the record unreadable. */
  readonly convert?: (message: ReceivedMessage) => ReceivedMessage
  readonly target: Target
}

/** A message and what it is for. */
export type Delivery<Target> = { readonly message: ReceivedMessage; readonly target: Target }

/**
 * What a record turned out to be.
 * - `skipped`: nothing for this group
 * - `unreadable`: a dead letter
 */
export type RecordReading<Target> =
  | ({ readonly kind: 'message' } & Delivery<Target>)
  | { readonly kind: 'skipped' }
  | {
      readonly kind: 'unreadable'
      readonly id: string
      readonly type?: string
      readonly error: BackstitchError
    }

/** How a group reads. */
export type RecordReaderOptions = {
  readonly codec: Codec
  readonly limits: BodyLimits
  /** Default: all topics have the standard one. */
  readonly formats?: MessageFormats
  /**
   * What becomes of a type or version without a route: `skip` where topics carry many types of which a group wants some, `refuse` where
   * all that comes is for this group (`HANDLER_MISSING`).
   */
  readonly unrouted: 'skip' | 'refuse'
}

/** What is read from one topic, and how. */
type ReadTopic<Target> = { readonly routes: readonly Route<Target>[]; readonly format: MessageFormat }

/**
 * Makes the function that turns records into validated messages. It never throws: of what it cannot read it says why.
 *
 * A record that does not tell its type (Debezium’s router writes only the header `id` by default) is taken for the only kind of message that
 * the group reads from the topic; where it reads several it is unreadable.
 */
export function recordReader<Target>(
  routes: readonly Route<Target>[],
  options: RecordReaderOptions,
): (record: ReceivedRecord) => RecordReading<Target> {
  const { unrouted } = options
  const tools = formatTools(options)
  const topics = new Map<string, ReadTopic<Target>>()
  for (const [topic, ofTopic] of Map.groupBy(routes, (route) => route.topic))
    topics.set(topic, { routes: ofTopic, format: formatOf(options.formats, topic) })
  return (record) => {
    const { routes: ofTopic, format } = topics.get(record.topic) ?? { routes: [], format: standardFormat }
    let type: string | undefined
    let wire: WireMessage | undefined
    try {
      type = format.typeOf?.(record)
      // Asked before anything else is read: what is wrong with messages for others is no concern of this group.
      if (type !== undefined && unrouted === 'skip' && !ofTopic.some((route) => route.type === type))
        return { kind: 'skipped' }
      if (format !== standardFormat) assertShortEnough(record, options.limits)
      wire = format.read(record, tools)
      const route = routeOf(ofTopic, record.topic, wire, unrouted)
      if (route === undefined) return { kind: 'skipped' }
      const message = readMessage(record, wire, route, options)
      return { kind: 'message', message: route.convert?.(message) ?? message, target: route.target }
    } catch (thrown) {
      type = wire?.type ?? type
      return {
        kind: 'unreadable',
        id: readableId(
          record,
          wire?.id ?? (format === standardFormat ? headerText(record, 'id') : undefined),
        ),
        ...(type !== undefined && { type }),
        error: isBackstitchError(thrown) ? thrown : malformed(reasonOf(thrown), thrown),
      }
    }
  }
}

function formatOf(formats: MessageFormats | undefined, topic: string): MessageFormat {
  return formats !== undefined && Object.hasOwn(formats, topic)
    ? (formats[topic] ?? standardFormat)
    : standardFormat
}

function formatTools({ limits }: RecordReaderOptions): FormatTools {
  return {
    parseJson: (bytes) => {
      assertBytesWithinLimits(bytes, limits, 'the value')
      return jsonCodec.decode(bytes, 'the value')
    },
  }
}

/** What a format does with the bytes is its own matter, but it gets no more of them than the group wants to read. */
function assertShortEnough({ topic, value }: ReceivedRecord, limits: BodyLimits): void {
  if (value !== null && value.length > limits.bytesMax) assertWithinLimits('', value.length, limits, topic)
}

function routeOf<Target>(
  routes: readonly Route<Target>[],
  topic: string,
  { type, version = 1, content }: WireMessage,
  unrouted: RecordReaderOptions['unrouted'],
): Route<Target> | undefined {
  const isTombstone = content.kind === 'none'
  const wanted = isTombstone ? routes.filter(({ takesTombstones }) => takesTombstones) : routes
  if (type === undefined) {
    if (wanted.length === 1) return wanted[0]
    // A compacted topic holds tombstones that say no more than their key.
    if (isTombstone && wanted.length === 0 && unrouted === 'skip') return undefined
    throw malformed(
      `there is no header type, and this group reads ${wanted.length} kinds of messages from ${topic}`,
    )
  }
  const route = wanted.find((one) => one.type === type && one.version === version)
  if (route !== undefined || unrouted === 'skip') return route
  if (isTombstone) throw malformed(`${quoted(type)} v${version} has no value`)
  throw new BackstitchError('HANDLER_MISSING', `${quoted(type)} v${version} on ${topic}`)
}

function readMessage(
  record: ReceivedRecord,
  wire: WireMessage,
  route: Route<unknown>,
  options: RecordReaderOptions,
): ReceivedMessage {
  const { topic, partition, offset, key } = record
  const { id = recordId(record), createdAtUs, headers = {}, context = {} } = wire
  if (!isUuid(id)) throw malformed(`the id is ${quoted(id)}, which is no UUID`)
  const message = {
    id: id.toLowerCase(),
    aggregateType: route.aggregateType,
    key: wire.key ?? key?.toString('utf8') ?? '',
    type: route.type,
    version: route.version,
    body: readBody(wire, route, options),
    headers,
    context,
    topic,
    partition,
    offset,
  }
  return createdAtUs === undefined ? message : { ...message, createdAtUs }
}

function readBody(
  { content }: WireMessage,
  { type, version, schema }: Route<unknown>,
  { codec, limits }: RecordReaderOptions,
): unknown {
  if (content.kind === 'none') return null
  const owner = `${type} v${version}`
  let body: unknown
  if (content.kind === 'body') body = content.body
  else {
    const { bytes, contentType } = content
    if (contentType !== undefined && !isSameType(contentType, codec.contentType))
      throw malformed(
        `${owner}: the content type is ${quoted(contentType)}, and this group reads ${mediaType(codec.contentType)}`,
      )
    if (isJson(codec.contentType)) assertBytesWithinLimits(bytes, limits, owner)
    else assertWithinLimits('', bytes.length, limits, owner)
    body = codec.decode(bytes, owner)
  }
  const valid = validated(schema, body, owner)
  // Else a handler would take it for a deleted key.
  if (valid === null)
    throw malformed(`${owner}: the body is null, which only a record without a value may say`)
  return valid
}

function isSameType(one: string, other: string): boolean {
  return one === other || mediaType(one) === mediaType(other)
}

function validated(schema: z.ZodType, body: unknown, owner: string): unknown {
  try {
    return validateBody(schema, body, owner)
  } catch (thrown) {
    // What is said to the writer of an invalid message is of no use to its reader.
    throw malformed(`${owner}: ${issuesOf(thrown)}`, thrown)
  }
}

function issuesOf(thrown: unknown): string {
  const issues = isBackstitchError(thrown) ? thrown.details['issues'] : undefined
  if (!Array.isArray(issues)) return reasonOf((thrown as Error).cause ?? thrown)
  return (issues as { path: string; message: string }[])
    .map(({ path, message }) => `${path}: ${message}`)
    .join('; ')
}

function readableId(record: ReceivedRecord, id: string | undefined): string {
  return id !== undefined && isUuid(id) ? id.toLowerCase() : recordId(record)
}

function malformed(place: string, cause?: unknown): BackstitchError {
  return new BackstitchError('MESSAGE_MALFORMED', place, { cause })
}
