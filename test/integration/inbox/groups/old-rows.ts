import { newId } from '../../../../src/kernel/ids.ts'

/** What a leaf of the inbox spans. */
export const leafSpanMs = 2 ** 29

/** A query of a test’s database. */
type Rows = <Row extends Record<string, unknown>>(sql: string, values?: unknown[]) => Promise<Row[]>

/** An id of version 7 with this time. */
export function idAt(timeMs: number): string {
  const time = Math.trunc(timeMs).toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}${newId().slice(13)}`
}

/** Makes the leaf that held this time, as it was made then. @returns its name */
export async function oldLeaf(rows: Rows, timeMs: number): Promise<string> {
  const number = Math.floor(timeMs / leafSpanMs)
  const bound = (n: number): string => {
    const hex = (n * leafSpanMs).toString(16).padStart(12, '0').padEnd(32, '0')
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }
  await rows(
    `create table if not exists backstitch.inbox_${number} partition of backstitch.inbox
     for values from ('${bound(number)}') to ('${bound(number + 1)}')`,
  )
  return `inbox_${number}`
}

/** The leaves that end before this time, by name. */
export async function leavesBefore(rows: Rows, timeMs: number): Promise<string[]> {
  const found = await rows<{ name: string }>(
    `select relname as name from pg_class c join pg_inherits i on i.inhrelid = c.oid
     where i.inhparent = 'backstitch.inbox'::regclass and relname ~ '^inbox_[0-9]+$' order by 1`,
  )
  return found.map(({ name }) => name).filter((name) => (Number(name.slice(6)) + 1) * leafSpanMs <= timeMs)
}

/** Claims as they were made then. */
export async function claimedAt(
  rows: Rows,
  timeMs: number,
  ids: readonly string[],
  group = 'g',
): Promise<void> {
  await rows(
    `insert into backstitch.inbox (consumer_group, source, id, received_at)
     select $1, 't', id, to_timestamp($2::double precision / 1000) from unnest($3::uuid[]) as id`,
    [group, timeMs, ids],
  )
}

/** A group that keeps 30 days, with all committed that it had before this time. */
export async function passedGroup(rows: Rows, group: string, passedMs: number | undefined): Promise<void> {
  await rows(
    `insert into backstitch.inbox_group (consumer_group, kind, topics, retention_ms, passed_at)
     values ($1, 'consumer', '{t}', 2592000000, coalesce(to_timestamp($2::double precision / 1000), '-infinity'))
     on conflict (consumer_group) do update set passed_at = excluded.passed_at`,
    [group, passedMs ?? null],
  )
}
