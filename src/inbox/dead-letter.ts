import { isBackstitchError, reasonOf } from '../kernel/errors.ts'
import type { ErrorCode } from '../kernel/error-catalogue.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'
import { type StoredHeader, storedHeaders } from './stored-headers.ts'

/** A message that a group could not handle, with all that is needed to hand it to its handler again. */
export type DeadLetter = {
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The record’s timestamp, in milliseconds; -1 for none. */
  readonly timestampMs: number
  /** The header `id`, or the id derived from the record’s place. */
  readonly messageId: string
  readonly key: Buffer | null
  /** The header `type`, where there is one. */
  readonly type?: string
  readonly headers: readonly StoredHeader[]
  /** The record’s value, byte for byte; `null` is a tombstone. */
  readonly payload: Buffer | null
  readonly reasonCode: ErrorCode
  readonly reason: string
  readonly stack?: string
  /** How often a handler was called; 0 for a record that could not be read. */
  readonly attempts: number
  /** `retrying`: it is handed to its handler again by itself once it is due and at the head of its key’s line. */
  readonly state: 'dead' | 'retrying'
  /** For one that is retrying, in milliseconds since 1970. Default: at once. */
  readonly dueAtMs?: number
  /** `key`: later messages of its key wait behind it. What has no key holds nothing back. */
  readonly order: 'key' | 'none'
}

/** Enough for a stack of some 40 lines. */
const stackLengthMax = 8_000

/** Makes the dead letter of a record from what was thrown over it. */
export function deadLetterOf(
  record: ReceivedRecord,
  about: {
    readonly group: string
    readonly messageId: string
    readonly type?: string
    readonly thrown: unknown
    readonly attempts: number
    /** Default `dead`. */
    readonly state?: DeadLetter['state']
    readonly dueAtMs?: number
    /** Default `none`. */
    readonly order?: DeadLetter['order']
  },
): DeadLetter {
  const { group, messageId, type, thrown, attempts, state = 'dead', dueAtMs, order = 'none' } = about
  const { topic, partition, offset, timestampMs, key, value } = record
  const stack = storableStack(thrown)
  return {
    group,
    topic,
    partition,
    offset,
    timestampMs,
    messageId,
    key,
    ...(type !== undefined && { type: storable(type, 200) }),
    headers: storedHeaders(record.headers),
    payload: value,
    reasonCode: isBackstitchError(thrown) ? thrown.code : 'HANDLER_FAILED',
    reason: reasonOf(thrown),
    ...(stack !== undefined && { stack }),
    attempts,
    state,
    ...(dueAtMs !== undefined && { dueAtMs }),
    order,
  }
}

/** The stack of what was thrown, as it can be stored. */
export function storableStack(thrown: unknown): string | undefined {
  // with an `Error.prepareStackTrace` of the application’s it may be anything
  const stack: unknown = thrown instanceof Error ? thrown.stack : undefined
  return typeof stack === 'string' ? storable(stack, stackLengthMax) : undefined
}

/** Cut and freed of what Postgres cannot hold: a dead letter must never fail for its own words. */
function storable(text: string, lengthMax: number): string {
  return text.slice(0, lengthMax).replaceAll('\0', '\uFFFD').toWellFormed()
}
