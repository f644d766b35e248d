import type { PackedTuple } from './packed-tuple.ts'

/**
 * One row of the outbox as it is read: each column as Postgres’s text, `null` where it is null, at the places of {@link at}; or packed, as
 * pages of a backlog are. An array instead of an object: at 500,000 rows a second every allocation counts.
 */
export type OutboxTuple = readonly (string | null)[] | PackedTuple

/**
 * Where each column stands in an {@link OutboxTuple}. `created_at` and `expires_at` are seconds since 1970 as a float’s shortest text.
 */
export const at = {
  seq: 0,
  aggregatetype: 1,
  aggregateid: 2,
  payload: 3,
  payload_binary: 4,
  headers: 5,
  id: 6,
  type: 7,
  version: 8,
  created_at: 9,
  content_type: 10,
  correlation_id: 11,
  causation_id: 12,
  traceparent: 13,
  tracestate: 14,
  saga_id: 15,
  saga_name: 16,
  saga_step: 17,
  saga_round: 18,
  saga_direction: 19,
  saga_attempt: 20,
  reply_to: 21,
  outcome: 22,
  expires_at: 23,
  /** Bytes of a body that is too large to be sent, and was not read. A packed row never has one. */
  oversize: 24,
} as const

/** The name of a column of an {@link OutboxTuple}. */
export type OutboxColumn = keyof typeof at

/** The text of a column, `null` where it is null. Bytes are written in hex, after `\x`. */
export function valueAt(row: OutboxTuple, column: OutboxColumn): string | null {
  return 'bytes' in row ? row.text(at[column], column === 'payload_binary') : (row[at[column]] ?? null)
}

/** The text of a column that is never null. */
export function textAt(row: OutboxTuple, column: OutboxColumn): string {
  return valueAt(row, column) ?? ''
}
