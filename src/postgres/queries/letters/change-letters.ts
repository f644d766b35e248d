/**
 * Locks the rows of the keys of letters, but for those that are locked: somebody handles a letter of such a key. In order, so that nobody
 * waits for another one in a circle.
 * `$1` ids of letters. Returns `consumer_group`, `topic` and `key_hash`.
 */
export function lockKeysOfLetters(schema: string): string {
  return `select k.consumer_group, k.topic, k.key_hash from ${schema}.dead_letter_key k
where (k.consumer_group, k.topic, k.key_hash) in
  (select d.consumer_group, d.topic, d.key_hash from ${schema}.dead_letter d where d.id = any ($1::bigint[]) and d.key_hash is not null)
order by 1, 2, 3
for update skip locked`
}

/** Locks letters, but for those that are locked: somebody handles them. `$1` ids. Returns `id`. */
export function lockLetters(schema: string): string {
  return `select id from ${schema}.dead_letter where id = any ($1::bigint[]) order by id for update skip locked`
}

/** The same, of those alone that are in no line or whose key is locked. `$2` groups, `$3` topics and `$4` hashes, side by side. */
export function lockLettersOfKeys(schema: string): string {
  return `select id from ${schema}.dead_letter
where id = any ($1::bigint[]) and (key_hash is null
  or (consumer_group, topic, key_hash) in (select * from unnest($2::text[], $3::text[], $4::bytea[])))
order by id for update skip locked`
}

/** Has letters handled again. `$1` ids, in order, `$2` in how many ms the first is due, `$3` how many ms lie between two. */
export function redriveLetters(schema: string): string {
  return `update ${schema}.dead_letter d set state = 'retrying', tries = 0,
  due_at = clock_timestamp() + make_interval(secs => ($2::double precision + $3::double precision * (c.n - 1)) / 1000)
from unnest($1::bigint[]) with ordinality as c (id, n) where d.id = c.id`
}

/**
 * Makes another message of a letter, and has it handled again.
 * `$1` id, `$2` the new message id, `$3` headers as JSON, `$4` payload, `$5` type.
 */
export function editLetter(schema: string): string {
  return `update ${schema}.dead_letter set message_id = $2, headers = $3::jsonb, payload = $4, type = $5, state = 'retrying', tries = 0,
  due_at = clock_timestamp() where id = $1`
}
