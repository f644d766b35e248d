/**
 * Takes letters out, and returns the `id` of each that was there. The rows of their keys are locked. What stood behind them in the line is
 * its head then, and a line without letters holds its key no longer.
 * `$1` ids.
 */
export function removeLetters(schema: string): string {
  return `with gone as (
  delete from ${schema}.dead_letter where id = any ($1::bigint[]) returning id, consumer_group, topic, key_hash
), line as (
  select consumer_group, topic, key_hash, count(*) as letters from gone where key_hash is not null group by 1, 2, 3
), shorter as (
  update ${schema}.dead_letter_key k set letters = k.letters - l.letters from line l
  where k.consumer_group = l.consumer_group and k.topic = l.topic and k.key_hash = l.key_hash and k.letters > l.letters
  returning k.consumer_group, k.topic, k.key_hash
), ended as (
  delete from ${schema}.dead_letter_key k using line l
  where k.consumer_group = l.consumer_group and k.topic = l.topic and k.key_hash = l.key_hash and k.letters <= l.letters
), head as (
  update ${schema}.dead_letter d set is_head = true
  from shorter s cross join lateral (
    select n.id from ${schema}.dead_letter n
    where n.consumer_group = s.consumer_group and n.topic = s.topic and n.key_hash = s.key_hash and n.id <> all ($1::bigint[])
    order by n.id limit 1) as first
  where d.id = first.id and not d.is_head
)
select id from gone order by id`
}
