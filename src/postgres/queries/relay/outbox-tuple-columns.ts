/** The columns of a row that is to be published, in the order in which the relay takes them (a test compares). */
export const outboxTupleColumns = [
  'seq',
  'aggregatetype',
  'aggregateid',
  'payload',
  'payload_binary',
  'headers',
  'id',
  'type',
  'version',
  'created_at',
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
  'expires_at',
] as const

/** How many columns {@link outboxTuplesOf} selects. */
export const outboxTupleWidth = outboxTupleColumns.length + 1

const heavy: ReadonlySet<string> = new Set(['payload', 'payload_binary', 'headers'])
/**
 * Bytes of a body and its headers above which a row is not even read: no broker takes a record of this size (a request ends at 100 MB by
 * default), and sending it could outlast any lease.
 */
const bodyBytesMax = 16_000_000
const bodyBytes =
  'coalesce(octet_length(r.payload), 0) + coalesce(octet_length(r.payload_binary), 0) + coalesce(pg_column_size(r.headers), 0) as bytes'
const times: ReadonlySet<string> = new Set(['created_at', 'expires_at'])

/** Text columns are copied as they are; bytes too. */
const copiedAsIs: ReadonlySet<string> = new Set([
  'aggregatetype',
  'aggregateid',
  'payload',
  'payload_binary',
  'type',
  'content_type',
  'correlation_id',
  'causation_id',
  'traceparent',
  'tracestate',
  'saga_name',
  'saga_step',
  'saga_direction',
  'reply_to',
  'outcome',
])

/**
 * Selects rows for a binary copy, ordered by `seq`: before the columns, `t` on rows whose heavy columns have more than `bytesMax` bytes and were
 * therefore left out. Nothing is summed up, which costs the server a third of such a page: that each row is small has to do.
 * @param rows a query in parentheses whose rows have the columns of the outbox
 */
export function copiedTuplesOf(rows: string, bytesMax: number): string {
  const selected = outboxTupleColumns.map((name) => {
    const value = times.has(name) ? `date_part('epoch', q.${name})` : `q.${name}`
    const typed = copiedAsIs.has(name) ? value : `${value}::text`
    return heavy.has(name) ? `case when q.bytes > ${bytesMax} then null else ${typed} end` : typed
  })
  return `select case when q.bytes > ${bytesMax} then 't' end, ${selected.join(', ')}
from (
  select r.*, ${bodyBytes}
  from ${rows} r
) q
order by q.seq`
}

/**
 * Selects rows for publishing, ordered by `seq`. The column after them, {@link outboxTupleWidth} - 1, is `t` on rows before which `pageBytes`
 * are used up: these come without their heavy columns, so that no page grows beyond the memory meant for it, and are to be left out.
 * It is the number of bytes on rows that are too large to be sent at all, which come without their heavy columns too. Sizes cost no reading of the values themselves
 * (`octet_length` looks at the header of a stored value).
 *
 * Times are `date_part`, a float: its shortest text has all microseconds until the year 2242, at a fifth of the cost of `extract`.
 *
 * @param rows a query in parentheses whose rows have the columns of the outbox
 * @param cast whether all columns are cast to text (for a `union` with other text)
 */
export function outboxTuplesOf(rows: string, pageBytes: number, cast: boolean = false): string {
  const selected = outboxTupleColumns.map((name) => {
    const value = times.has(name) ? `date_part('epoch', q.${name})` : `q.${name}`
    const typed = cast ? `${value}::text` : value
    return heavy.has(name)
      ? `case when q.bytes_before > ${pageBytes} or q.bytes > ${bodyBytesMax} then null else ${typed} end`
      : typed
  })
  return `select ${selected.join(', ')}, case when q.bytes_before > ${pageBytes} then 't' when q.bytes > ${bodyBytesMax} then q.bytes::text end
from (
  select s.*, sum(least(s.bytes, ${bodyBytesMax})) over (order by s.seq rows between unbounded preceding and 1 preceding) as bytes_before
  from (
    select r.*, ${bodyBytes}
    from ${rows} r
  ) s
) q
order by q.seq`
}
