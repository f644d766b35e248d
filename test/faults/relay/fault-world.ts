import { Pool } from 'pg'
import { migrate } from '../../../src/postgres/migrate.ts'

/** A pool on a server that will be killed: lost connections are no errors of the test. */
export function faultPool(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 8, connectionTimeoutMillis: 3_000 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

/** Makes the outbox and the table in which {@link FaultWriters} lock their keys. */
export async function migrateFaults(pool: Pool): Promise<void> {
  await migrate({ database: pool, parts: ['outbox'] })
  await pool.query('create table fault_key (key text primary key, n integer not null)')
}

/** Writers that go on through crashes of the server: each transaction locks its key’s row, and then inserts one outbox row. */
export class FaultWriters {
  /** Bodies of rows whose commit was answered, in the order of their key’s commits. */
  readonly committed: string[] = []
  readonly #pool: Pool
  readonly #working: Promise<void>
  #stopping = false

  /** @param synchronousCommit `off`: what is answered may be lost in a crash, but nobody may have seen it before */
  constructor(pool: Pool, name: string, synchronousCommit: 'on' | 'off' = 'on') {
    this.#pool = pool
    this.#working = Promise.all([0, 1, 2].map((n) => this.#write(`${name}-${n}`, synchronousCommit))).then(
      () => undefined,
    )
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#working
  }

  async #write(key: string, synchronousCommit: 'on' | 'off'): Promise<void> {
    while (!this.#stopping) {
      try {
        const client = await this.#pool.connect()
        try {
          await client.query(`begin; set local synchronous_commit = ${synchronousCommit}`)
          const { rows } = await client.query<{ n: number }>(
            'insert into fault_key (key, n) values ($1, 1) on conflict (key) do update set n = fault_key.n + 1 returning n',
            [key],
          )
          const body = `${key}:${rows[0]?.n}`
          await client.query(
            `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('fault', $1, 't', $2)`,
            [key, body],
          )
          await client.query('commit')
          this.committed.push(body)
          client.release()
        } catch (error) {
          client.release(true)
          throw error
        }
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
  }
}

/** The first deliveries of each key must count up. */
export function inversionsOf(bodies: readonly string[]): string[] {
  const last = new Map<string, number>()
  return [...new Set(bodies)].filter((body) => {
    const [key = '', n = ''] = body.split(':')
    const before = last.get(key) ?? 0
    last.set(key, Math.max(before, Number(n)))
    return Number(n) <= before
  })
}

/** Waits until something holds. Fails after the deadline. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  deadlineMs: number = 30_000,
): Promise<void> {
  const endsAtMs = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > endsAtMs) throw new Error(`it did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
