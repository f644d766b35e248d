import type { z } from 'zod'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import { isUuid } from '../kernel/ids.ts'
import type { Codec } from '../message/codec.ts'
import { assertWithinLimits, type BodyLimits } from '../message/limits.ts'
import type { ReceivedMessage } from '../message/message.ts'
import { quoted } from '../message/storable-text.ts'
import { topicOf } from '../message/topic.ts'
import { validateBody } from '../message/validate.ts'
import { type HeaderFields, readWireHeaders } from '../message/wire-headers.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'
import { recordId } from './record-id.ts'

/** One kind of message that a group reads, and what it is for. */
export type Route<Target> = {
  readonly aggregateType: string
  readonly type: string
  readonly version: number
  readonly schema: z.ZodType
  /** Whether a record without a value is handed on; else it is skipped. */
  readonly takesTombstones: boolean
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
  readonly topicPrefix: string
  readonly codec: Codec
  readonly limits: BodyLimits
  /**
   * What becomes of a type or version without a route: `skip` where topics carry many types of which a group wants some, `refuse` where
   * all that comes is for this group (`HANDLER_MISSING`).
   */
  readonly unrouted: 'skip' | 'refuse'
}

/**
 * Makes the function that turns records into validated messages. It never throws: of what it cannot read it says why.
 *
 * A record without the header `type` (Debezium’s router writes only `id` by default) is taken for the only kind of message that the group
 * reads from the topic; where it reads several it is unreadable.
 */
export function recordReader<Target>(
  routes: readonly Route<Target>[],
  options: RecordReaderOptions,
): (record: ReceivedRecord) => RecordReading<Target> {
  const byTopic = Map.groupBy(routes, ({ aggregateType }) => topicOf(aggregateType, options.topicPrefix))
  return (record) => {
    const ofTopic = byTopic.get(record.topic) ?? []
    const type = rawHeader(record, 'type')
    // Asked before anything else is read: what is wrong with messages for others is no concern of this group.
    if (type !== undefined && options.unrouted === 'skip' && !ofTopic.some((route) => route.type === type))
      return { kind: 'skipped' }
    try {
      const fields = readWireHeaders(record.headers)
      const route = routeOf(ofTopic, record, fields, options)
      if (route === undefined) return { kind: 'skipped' }
      return { kind: 'message', message: readMessage(record, fields, route, options), target: route.target }
    } catch (thrown) {
      return {
        kind: 'unreadable',
        id: readableId(record),
        ...(type !== undefined && { type }),
        error: isBackstitchError(thrown) ? thrown : malformed(reasonOf(thrown), thrown),
      }
    }
  }
}

function routeOf<Target>(
  routes: readonly Route<Target>[],
  { topic, value }: ReceivedRecord,
  { type, version }: HeaderFields,
  { unrouted }: RecordReaderOptions,
): Route<Target> | undefined {
  const wanted = value === null ? routes.filter(({ takesTombstones }) => takesTombstones) : routes
  if (type === undefined) {
    if (wanted.length === 1) return wanted[0]
    // A compacted topic holds tombstones that say no more than their key.
    if (value === null && wanted.length === 0 && unrouted === 'skip') return undefined
    throw malformed(
      `there is no header type, and this group reads ${wanted.length} kinds of messages from ${topic}`,
    )
  }
  const route = wanted.find((one) => one.type === type && one.version === version)
  if (route !== undefined || unrouted === 'skip') return route
  if (value === null) throw malformed(`${quoted(type)} v${version} has no value`)
  throw new BackstitchError('HANDLER_MISSING', `${quoted(type)} v${version} on ${topic}`)
}

function readMessage(
  record: ReceivedRecord,
  fields: HeaderFields,
  route: Route<unknown>,
  options: RecordReaderOptions,
): ReceivedMessage {
  const { topic, partition, offset, key, value } = record
  return {
    id: fields.id ?? recordId(record),
    aggregateType: route.aggregateType,
    key: key?.toString('utf8') ?? '',
    type: route.type,
    version: route.version,
    body: value === null ? null : readBody(value, fields, route, options),
    headers: fields.headers,
    context: fields.context,
    topic,
    partition,
    offset,
    ...(fields.createdAtUs !== undefined && { createdAtUs: fields.createdAtUs }),
  }
}

function readBody(
  value: Buffer,
  { contentType }: HeaderFields,
  { type, version, schema }: Route<unknown>,
  { codec, limits }: RecordReaderOptions,
): unknown {
  const owner = `${type} v${version}`
  const expected = mediaType(codec.contentType)
  if (contentType !== undefined && mediaType(contentType) !== expected)
    throw malformed(`${owner}: the content type is ${quoted(contentType)}, and this group reads ${expected}`)
  // All that counts for the depth is ASCII, and Latin-1 shows that at the price of a copy.
  assertWithinLimits(/[/+]json$/.test(expected) ? value.toString('latin1') : '', value.length, limits, owner)
  const body = codec.decode(value, owner)
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

/** `application/json; charset=utf-8` is `application/json`. */
function mediaType(contentType: string): string {
  return (contentType.split(';', 1)[0] ?? '').trim().toLowerCase()
}

function rawHeader(record: ReceivedRecord, name: string): string | undefined {
  return record.headers.findLast(([own]) => own === name)?.[1]?.toString('utf8')
}

function readableId(record: ReceivedRecord): string {
  const id = rawHeader(record, 'id')
  return id !== undefined && isUuid(id) ? id.toLowerCase() : recordId(record)
}

function malformed(place: string, cause?: unknown): BackstitchError {
  return new BackstitchError('MESSAGE_MALFORMED', place, { cause })
}
