import { drizzle as overNodePostgres } from 'drizzle-orm/node-postgres'
import { pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as overPostgresJs } from 'drizzle-orm/postgres-js'
import { Pool } from 'pg'
import postgres from 'postgres'
import { testCallerLibrary } from './caller-library.ts'

const note = pgTable('note', { key: text('key').primaryKey() })

type Database = ReturnType<typeof overNodePostgres>
type Tx = Parameters<Parameters<Database['transaction']>[0]>[0]

testCallerLibrary<Tx>('Drizzle over pg', async (connectionString) => {
  const pool = new Pool({ connectionString, max: 2 })
  const database = overNodePostgres(pool)
  return {
    database,
    transaction: (work) => database.transaction(work),
    note: (tx, key) => tx.insert(note).values({ key }),
    refused: { 'Drizzle database': database },
    close: () => pool.end(),
  }
})

type JsDatabase = ReturnType<typeof overPostgresJs>
type JsTx = Parameters<Parameters<JsDatabase['transaction']>[0]>[0]

testCallerLibrary<JsTx>('Drizzle over postgres.js', async (url) => {
  const client = postgres(url, { max: 2, onnotice: () => undefined })
  const database = overPostgresJs(client)
  return {
    database,
    transaction: (work) => database.transaction(work),
    note: (tx, key) => tx.insert(note).values({ key }),
    refused: { 'Drizzle database': database },
    close: () => client.end(),
  }
})
