/**
 * Takes letters that are due and at the head of their line, each for a time, and counts the try.
 * `$1` group, `$2` how many at most, `$3` for how many ms. Returns {@link TakenLetterRow}.
 */
export function takeDueLetters(schema: string): string {
  return `with due as (
  select id from ${schema}.dead_letter
  where consumer_group = $1 and state = 'retrying' and is_head and due_at <= now()
  order by due_at limit $2
  for update skip locked
)
update ${schema}.dead_letter d
set tries = d.tries + 1, attempts = d.attempts + 1, due_at = clock_timestamp() + make_interval(secs => $3::double precision / 1000)
from due where d.id = due.id
returning d.id, d.message_id, d.tries, d.key_hash is not null as is_in_line, d.topic, d.partition, d."offset", d.message_key, d.payload,
  d.headers, d.record_time_ms`
}

/** A row of {@link takeDueLetters}. */
export type TakenLetterRow = {
  readonly id: string
  readonly message_id: string
  readonly tries: number
  readonly is_in_line: boolean
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly message_key: Buffer | null
  readonly payload: Buffer | null
  readonly headers: readonly { readonly name: string; readonly text?: string; readonly base64?: string }[]
  readonly record_time_ms: string
}

/** In how many ms the next letter of the group `$1` is due: `ms`, or null. */
export function untilDueLetter(schema: string): string {
  return `select extract(epoch from min(due_at) - clock_timestamp())::double precision * 1000 as ms
from ${schema}.dead_letter where consumer_group = $1 and state = 'retrying' and is_head`
}

/** What tells that a letter is as it was taken: `$1` its id, `$2` the message’s id, `$3` the tries. */
const asTaken = `id = $1 and message_id = $2 and state = 'retrying' and tries = $3`

/** Locks the row of a key. `$1` group, `$2` topic, `$3` key. */
export function lockKeyOfLetter(schema: string): string {
  return `select from ${schema}.dead_letter_key where consumer_group = $1 and topic = $2 and key_hash = sha256($3::bytea) for update`
}

/** Locks a letter that is as it was taken. Returns a row, or none. `$1` id, `$2` message id, `$3` tries. */
export function lockLetter(schema: string): string {
  return `select from ${schema}.dead_letter where ${asTaken} for update`
}

/**
 * Notes a failed try. `$1` id, `$2` message id, `$3` tries, `$4` reason code, `$5` reason, `$6` stack, `$7` in how many ms it is tried again;
 * null: it is dead.
 */
export function failLetter(schema: string): string {
  return `update ${schema}.dead_letter set reason_code = $4, reason = $5, stack = $6,
  state = case when $7::double precision is null then 'dead' else 'retrying' end,
  dead_at = case when $7 is null then clock_timestamp() else dead_at end,
  due_at = clock_timestamp() + make_interval(secs => $7 / 1000)
where ${asTaken}`
}

/** Gives a letter back. `$1` id, `$2` message id, `$3` tries, `$4` in how many ms it is due. */
export function giveLetterBack(schema: string): string {
  return `update ${schema}.dead_letter set tries = tries - 1, attempts = attempts - 1,
  due_at = clock_timestamp() + make_interval(secs => $4::double precision / 1000)
where ${asTaken}`
}
