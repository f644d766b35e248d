import { type CallerTransaction, createOutbox } from 'backstitch'
import { Client, Pool, type PoolClient } from 'pg'
import { testCallerLibrary } from './caller-library.ts'

async function within<Tx extends CallerTransaction & { query(text: string): Promise<unknown> }>(
  client: Tx,
  work: (tx: Tx) => Promise<void>,
): Promise<void> {
  await client.query('begin')
  try {
    await work(client)
    await client.query('commit')
  } catch (thrown) {
    await client.query('rollback')
    throw thrown
  }
}

for (const pipeline of [false, true])
  testCallerLibrary<Client>(
    pipeline ? 'a pg client in pipeline mode' : 'a pg client',
    async (connectionString) => {
      const client = new Client({ connectionString, pipeline })
      const idle = new Client({ connectionString, pipeline })
      await Promise.all([client.connect(), idle.connect()])
      return {
        transaction: (work) => within(client, work),
        note: (tx, key) => tx.query('insert into note values ($1)', [key]),
        refused: { 'No transaction is open': idle },
        close: () => Promise.all([client.end(), idle.end()]),
      }
    },
  )

testCallerLibrary<PoolClient>('a client of a pg pool', async (connectionString) => {
  const pool = new Pool({ connectionString, max: 1 })
  return {
    transaction: async (work) => {
      const client = await pool.connect()
      await within(client, work).finally(() => client.release())
    },
    note: (tx, key) => tx.query('insert into note values ($1)', [key]),
    refused: { pool },
    close: () => pool.end(),
  }
})

testCallerLibrary<PoolClient>('a pg pool that the outbox was given', async (connectionString) => {
  const pool = new Pool({ connectionString, max: 1 })
  const outbox = createOutbox({ service: 'notes' })
  return {
    transaction: (work) => outbox.transaction(pool, work),
    note: (tx, key) => tx.query('insert into note values ($1)', [key]),
    refused: {},
    close: () => pool.end(),
  }
})
