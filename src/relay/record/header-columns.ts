import { at } from '../source/outbox-tuple.ts'

/** The columns that are sent as a header where they are not null, in the order of the wire and of {@link at}. */
const optionalColumns = [
  'content_type',
  'correlation_id',
  'causation_id',
  'traceparent',
  'tracestate',
  'saga_id',
  'saga_name',
  'saga_step',
  'saga_round',
  'saga_direction',
  'saga_attempt',
  'reply_to',
  'outcome',
] as const

/** Names of the headers of the columns from {@link firstOptional} on. */
export const optionalNames: readonly string[] = optionalColumns.map((column) => column.replaceAll('_', '-'))

/** Where in a row the first of these columns stands. */
export const firstOptional = at.content_type

/** The header with a row’s `seq`. */
export const sequenceHeaderName = 'outbox-seq'
