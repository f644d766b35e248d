/** What a list shows of a letter. */
const entryColumns = `d.id, d.consumer_group, d.topic, d.partition, d."offset", d.message_key, d.message_id, d.type,
  coalesce(octet_length(d.payload), 0) as bytes, d.reason_code, d.reason, d.attempts, d.dead_at, d.state, d.due_at,
  d.key_hash is not null as is_in_line, d.is_head`

const wholeColumns = `${entryColumns}, d.headers, d.payload, d.stack, d.record_time_ms`

/**
 * A condition on letters: `$1` group, `$2` topic, `$3` type, `$4` key, `$5` code, `$6` state, `$7` for how many ms they have been there,
 * `$8` ids; null where it does not matter.
 */
const fits = `($1::text is null or d.consumer_group = $1) and ($2::text is null or d.topic = $2) and ($3::text is null or d.type = $3)
  and ($4::bytea is null or d.message_key = $4) and ($5::text is null or d.reason_code = $5) and ($6::text is null or d.state = $6)
  and ($7::double precision is null or d.dead_at <= now() - make_interval(secs => $7 / 1000))
  and ($8::bigint[] is null or d.id = any ($8))`

/** Letters that fit, the oldest first. `$1` to `$8` as of the condition, `$9` only those behind this id, `$10` how many at most. */
export function listLetters(schema: string, columns: 'entry' | 'whole'): string {
  return `select ${columns === 'entry' ? entryColumns : wholeColumns} from ${schema}.dead_letter d
where ${fits} and d.id > $9::bigint order by d.id limit $10`
}

/** A condition: the letter’s group is an orchestrator, which hands no letters over again. */
function ofOrchestrator(schema: string): string {
  return `exists (select from ${schema}.inbox_group g where g.consumer_group = d.consumer_group and g.kind = 'orchestrator')`
}

/** Letters of orchestrators, among those of the ids `$1`. */
export function findLettersOfOrchestrators(schema: string): string {
  return `select d.id from ${schema}.dead_letter d where d.id = any ($1::bigint[]) and ${ofOrchestrator(schema)} order by d.id`
}

/** The same, but only those that can be redriven: `$11` says whether those are among them that are not dead, and wait behind others. */
export function listRedrivableLetters(schema: string): string {
  return `select ${entryColumns} from ${schema}.dead_letter d
where ${fits} and d.id > $9::bigint and d.reason_code <> 'MESSAGE_ID_REUSED' and not ${ofOrchestrator(schema)}
  and (d.state = 'dead' or ($11::boolean and not d.is_head))
order by d.id limit $10`
}

/** A letter with all of it. `$1` its id, `$2` how far to count. Also `first`, the id of the head of its line, and `waiting` behind it. */
export function showLetter(schema: string): string {
  const inLine = `n.consumer_group = d.consumer_group and n.topic = d.topic and n.key_hash = d.key_hash`
  return `select ${wholeColumns},
  (select min(n.id) from ${schema}.dead_letter n where ${inLine}) as first,
  (select count(*)::integer from (select from ${schema}.dead_letter n where ${inLine} and n.id > d.id limit $2) behind) as waiting
from ${schema}.dead_letter d where d.id = $1`
}

/** A row of {@link listLetters}. */
export type LetterRow = {
  readonly id: string
  readonly consumer_group: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly message_key: Buffer | null
  readonly message_id: string
  readonly type: string | null
  readonly bytes: number
  readonly reason_code: string
  readonly reason: string
  readonly attempts: number
  readonly dead_at: Date
  readonly state: 'dead' | 'retrying'
  readonly due_at: Date | null
  readonly is_in_line: boolean
  readonly is_head: boolean
}

/** The same with all of it. */
export type WholeLetterRow = LetterRow & {
  readonly headers: readonly { readonly name: string; readonly text?: string; readonly base64?: string }[]
  readonly payload: Buffer | null
  readonly stack: string | null
  readonly record_time_ms: string
}

/** A row of {@link showLetter}. */
export type ShownLetterRow = WholeLetterRow & { readonly first: string | null; readonly waiting: number }
