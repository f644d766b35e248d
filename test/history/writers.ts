import { createOutbox, event } from 'backstitch'
import type { Pool, PoolClient } from 'pg'
import { z } from 'zod'
import { Random } from './random.ts'

/** `n` counts a key’s committed rows from 1, without a gap: the key’s own row is locked while it is drawn. */
export const Counted = event('history.counted', {
  version: 1,
  key: ({ key }) => key,
  payload: z.object({ key: z.string(), n: z.int() }),
})

/** What the writers know to be true. */
export type History = {
  /** The ids of all committed rows, with their place among the rows of their key. */
  readonly committed: Map<
    string,
    { readonly key: string; readonly n: number; readonly committedAtMs: number }
  >
  /** The ids of all rows that were rolled back, with a transaction or with a savepoint. */
  readonly rolledBack: Set<string>
}

const keys = Array.from({ length: 20 }, (_, n) => `key-${n}`)
const writers = 8
const outbox = createOutbox({ service: 'history' })

/** The tables that the writers work on beside the outbox. */
export const historyTables = `create table counter (key text primary key, n integer not null);
insert into counter select 'key-' || n, 0 from generate_series(0, 19) as n;
create table other (id bigint generated always as identity, note text)`

/**
 * Eight writers, each with `transactions` of them: every transaction locks the rows of one or two keys before its outbox rows, some write
 * something else first and so have an early transaction id, some have savepoints, some several rows, all make pauses, and every tenth rolls back.
 */
export async function writeHistory(pool: Pool, transactions: number, seed: number): Promise<History> {
  const history: History = { committed: new Map(), rolledBack: new Set() }
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const random = new Random(seed * 1_000 + writer)
      const client = await pool.connect()
      try {
        for (let n = 0; n < transactions; n++) await writeOne(client, random, history)
      } finally {
        client.release()
      }
    }),
  )
  return history
}

async function writeOne(client: PoolClient, random: Random, history: History): Promise<void> {
  const rows = new Map<string, { key: string; n: number }>()
  await client.query('begin')
  if (random.chance(0.4)) {
    await client.query(`insert into other (note) values ('draws a transaction id early')`)
    await pause(random.below(12))
  }
  // in one order by all, so that no two wait for each other
  const chosen = [
    keys[random.below(keys.length)]!,
    ...(random.chance(0.2) ? [keys[random.below(keys.length)]!] : []),
  ]
  for (const key of [...new Set(chosen)].toSorted()) {
    const count = 1 + (random.chance(0.3) ? random.below(4) : 0)
    const { rows: locked } = await client.query<{ n: number }>(
      'update counter set n = n + $2 where key = $1 returning n',
      [key, count],
    )
    await pause(random.below(6))
    if (random.chance(0.15)) await withSavepoint(client, key, history)
    const messages = Array.from({ length: count }, (_, row) =>
      Counted.create({ key, n: locked[0]!.n - count + row + 1 }),
    )
    await outbox.enqueue(client, messages)
    for (const { id, body } of messages) rows.set(id, body!)
  }
  await pause(random.below(10))
  if (random.chance(0.1)) {
    await client.query('rollback')
    for (const id of rows.keys()) history.rolledBack.add(id)
    return
  }
  await client.query('commit')
  const committedAtMs = Date.now()
  for (const [id, row] of rows) history.committed.set(id, { ...row, committedAtMs })
}

/** A row that is taken back while its transaction goes on, and one of the same subtransaction kind that stays. */
async function withSavepoint(client: PoolClient, key: string, history: History): Promise<void> {
  const ghost = Counted.create({ key, n: -1 })
  await client.query('savepoint s')
  await outbox.enqueue(client, ghost)
  await client.query('rollback to savepoint s')
  history.rolledBack.add(ghost.id)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
