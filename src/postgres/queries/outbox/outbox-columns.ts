/** The columns of the outbox that a writer gives, with their types in a JSON record, in their order. */
export const outboxColumnTypes = [
  ['id', 'uuid'],
  ['aggregatetype', 'text'],
  ['aggregateid', 'text'],
  ['type', 'text'],
  ['version', 'integer'],
  ['payload', 'text'],
  ['payload_binary', 'text'],
  ['content_type', 'text'],
  ['headers', 'jsonb'],
  ['correlation_id', 'text'],
  ['causation_id', 'text'],
  ['traceparent', 'text'],
  ['tracestate', 'text'],
  ['saga_id', 'uuid'],
  ['saga_name', 'text'],
  ['saga_step', 'text'],
  ['saga_round', 'integer'],
  ['saga_direction', 'text'],
  ['saga_attempt', 'integer'],
  ['reply_to', 'text'],
  ['outcome', 'text'],
] as const

/** Their names, and `expires_at`, which a writer gives as `expires_at_us`. */
export const outboxColumns: string = [...outboxColumnTypes.map(([name]) => name), 'expires_at'].join(', ')

/** The expression of `expires_at`, of microseconds since 1970. */
export function expiryOf(microseconds: string): string {
  return `timestamp '1970-01-01' + ${microseconds} * interval '1 microsecond'`
}
