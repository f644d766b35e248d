/** A condition: no dead letter of a group holds any key. @param group a parameter */
export function notHeld(schema: string, group: string): string {
  return `not exists (select from ${schema}.dead_letter_key where consumer_group = ${group})`
}

/**
 * A lateral table: `held` is true for a key, by the name of its column, that a dead letter of a group holds in the topic `$2`.
 * `offset 0` keeps it a look-up by the primary key, whatever the planner thinks of the table.
 * @param group a parameter
 */
export function heldKey(schema: string, key: string, group: string): string {
  return `lateral (select true as held from ${schema}.dead_letter_key k
  where k.consumer_group = ${group} and k.topic = $2 and k.key_hash = sha256(${key}) offset 0)`
}
