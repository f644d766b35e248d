/** Locks the keys that dead letters of a group hold. `$1` group. */
export function lockLines(schema: string): string {
  return `select from ${schema}.dead_letter_key where consumer_group = $1 order by topic, key_hash for update`
}

/** Drops the dead letters of a group whose records come again. `$1` group, `$2` places from which on, as JSON. */
export function dropLetters(schema: string): string {
  return `delete from ${schema}.dead_letter d
using jsonb_to_recordset($2::jsonb) as p (topic text, partition integer, "offset" bigint)
where d.consumer_group = $1 and d.topic = p.topic and d.partition = p.partition and d."offset" >= p."offset"`
}

/** Makes the lines of a group right again once letters were taken out: their numbers, their heads, and that empty ones are none. `$1` group. */
export function straightenLines(schema: string): string {
  return `with lines as (
  select topic, key_hash, min(id) as head, count(*) as letters from ${schema}.dead_letter
  where consumer_group = $1 and key_hash is not null group by topic, key_hash
), emptied as (
  delete from ${schema}.dead_letter_key k where k.consumer_group = $1
    and not exists (select from lines l where l.topic = k.topic and l.key_hash = k.key_hash)
), counted as (
  update ${schema}.dead_letter_key k set letters = l.letters from lines l
  where k.consumer_group = $1 and l.topic = k.topic and l.key_hash = k.key_hash
)
update ${schema}.dead_letter d set is_head = true from lines l where d.id = l.head and not d.is_head`
}
