import { outboxRowsFrom } from './insert-outbox-rows.ts'
import { outboxColumns } from './outbox-columns.ts'

/**
 * Inserts messages that wait until they are due: at a time, or so long after now by the database’s clock.
 * `$1` JSON array of rows, see `DeferredRow`, as text. Returns nothing.
 */
export function insertDeferredRows(schema: string): string {
  return `insert into ${schema}.outbox_deferred (${outboxColumns}, due_at)
${outboxRowsFrom('$1::text::jsonb', 'true', {
  columns: [
    ['due_at_ms', 'bigint'],
    ['after_ms', 'bigint'],
  ],
  selected: `coalesce(timestamptz '1970-01-01 00:00:00+00' + r.due_at_ms * interval '1 millisecond',
  statement_timestamp() + r.after_ms * interval '1 millisecond')`,
})}`
}
