/** Deletes a message that waits. `$1` its id, as text. Returns `id`, or nothing: there is none, or it has been released. */
export function deleteDeferredRow(schema: string): string {
  return `delete from ${schema}.outbox_deferred where id = $1::text::uuid returning id`
}
