import { Pool, type PoolClient } from 'pg'
import { z } from 'zod'
import { event } from '../../../src/message/event.ts'
import { type Outbox, outboxOver } from '../../../src/outbox/outbox.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import { pgOutboxStore } from '../../../src/postgres/pg-outbox-store.ts'
import { createDatabase } from '../../support/services.ts'

/** The event that these tests write. */
export const Noted = event('note.noted', {
  version: 1,
  key: (note) => note.key,
  payload: z.object({ key: z.string(), text: z.unknown() }),
})

/** A database with the outbox’s tables, empty. */
export type OutboxDatabase = {
  readonly url: string
  readonly pool: Pool
  readonly outbox: Outbox
  /** Runs the work on one client, in a transaction that commits with the work or rolls back with its error. */
  transaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result>
  /** The rows by `seq`, and empties the table. */
  takeRows(columns?: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

/** Makes an {@link OutboxDatabase}. */
export async function outboxDatabase(schema = 'backstitch'): Promise<OutboxDatabase> {
  const { url } = await createDatabase({
    migrate: async (database) => void (await migrate({ database, parts: ['outbox'], schema })),
  })
  const pool = new Pool({ connectionString: url, max: 4 })
  return {
    url,
    pool,
    outbox: outboxOver(pgOutboxStore(schema), { service: 'notes' }),
    transaction: async (work) => {
      const client = await pool.connect()
      try {
        await client.query('begin')
        const result = await work(client)
        await client.query('commit')
        return result
      } catch (thrown) {
        await client.query('rollback')
        throw thrown
      } finally {
        client.release()
      }
    },
    takeRows: async (columns = '*') => {
      const { rows } = await pool.query<Record<string, unknown>>(
        `select ${columns} from "${schema}".outbox order by seq`,
      )
      await pool.query(`truncate "${schema}".outbox`)
      return rows
    },
    close: () => pool.end(),
  }
}
