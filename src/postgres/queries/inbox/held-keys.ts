/** A condition: no dead letter of the group `$1` holds any key. */
export function notHeld(schema: string): string {
  return `not exists (select from ${schema}.dead_letter_key where consumer_group = $1)`
}

/**
 * A lateral table: `held` is true for a key, by the name of its column, that a dead letter of the group `$1` holds in the topic `$2`.
 * `offset 0` keeps it a look-up by the primary key, whatever the planner thinks of the table.
 */
export function heldKey(schema: string, key: string): string {
  return `lateral (select true as held from ${schema}.dead_letter_key k
  where k.consumer_group = $1 and k.topic = $2 and k.key_hash = sha256(${key}) offset 0)`
}
