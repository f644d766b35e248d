import type { Pool } from 'pg'
import { pause } from './until.ts'

/** The table in which the writers lock their keys, and that of what they have committed: what is in it was, whether or not the commit was answered. */
export const faultTables = `
create table fault_key (key text primary key, n integer not null);
create table fault_written (body text primary key)`

/** Writers that were held up for longer begin anew. */
const lateMsMax = 200

/** How {@link FaultWriters} write. */
export type FaultWriterOptions = {
  /** Transactions under way at the same time, each on a key of its own. Default 3. */
  readonly keys?: number
  /** Transactions a second, all keys together; what is late after a fault is not made good. Default: one after the other, with a moment between. */
  readonly perSecond?: number
  /** `off`: what is answered may be lost in a crash, but nobody may have seen it before. */
  readonly synchronousCommit?: 'on' | 'off'
  /** Bytes that a transaction writes into a table of the test’s own beside its message. Default none. */
  readonly ballastBytes?: number
}

/** Writers that go on through all faults: each transaction locks its key’s row, and then inserts one outbox row that says how many the key has. */
export class FaultWriters {
  /** Bodies of rows whose commit was answered, in the order of their key’s commits. */
  readonly committed: string[] = []
  /** How many transactions have failed. */
  failures = 0
  readonly #pool: Pool
  readonly #options: Required<FaultWriterOptions>
  readonly #working: Promise<void>
  #stopping = false

  constructor(pool: Pool, name: string, options: FaultWriterOptions = {}) {
    this.#pool = pool
    this.#options = {
      keys: 3,
      perSecond: Infinity,
      synchronousCommit: 'on',
      ballastBytes: 0,
      ...options,
    }
    const keys = Array.from({ length: this.#options.keys }, (_, n) => `${name}-${n}`)
    this.#working = Promise.all(keys.map((key) => this.#write(key))).then(() => undefined)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    await this.#working
  }

  async #write(key: string): Promise<void> {
    const intervalMs = (this.#options.keys / this.#options.perSecond) * 1000
    let dueMs = performance.now()
    while (!this.#stopping) {
      try {
        await this.#writeOne(key)
      } catch {
        this.failures++
        await pause(50)
      }
      const nowMs = performance.now()
      dueMs = Math.max(dueMs + intervalMs, nowMs - lateMsMax)
      await pause(Math.max(1, dueMs - nowMs))
    }
  }

  async #writeOne(key: string): Promise<void> {
    const client = await this.#pool.connect()
    try {
      await client.query(`begin; set local synchronous_commit = ${this.#options.synchronousCommit}`)
      const { rows } = await client.query<{ n: number }>(
        'insert into fault_key (key, n) values ($1, 1) on conflict (key) do update set n = fault_key.n + 1 returning n',
        [key],
      )
      const body = `${key}:${rows[0]?.n}`
      await client.query('insert into fault_written (body) values ($1)', [body])
      await client.query(
        `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('fault', $1, 't', $2)`,
        [key, body],
      )
      if (this.#options.ballastBytes > 0)
        await client.query(`insert into ballast (bytes) values (repeat('x', $1))`, [
          this.#options.ballastBytes,
        ])
      await client.query('commit')
      this.committed.push(body)
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }
}
