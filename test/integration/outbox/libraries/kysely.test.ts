import { CamelCasePlugin, Kysely, PostgresDialect, type Transaction } from 'kysely'
import { Pool } from 'pg'
import { testCallerLibrary } from './caller-library.ts'

type Tables = { note: { key: string } }

// with the plugin that renames columns, as many applications have it
testCallerLibrary<Transaction<Tables>>('Kysely', async (connectionString) => {
  const dialect = new PostgresDialect({ pool: new Pool({ connectionString, max: 2 }) })
  const kysely = new Kysely<Tables>({ dialect, plugins: [new CamelCasePlugin()] })
  return {
    database: kysely,
    transaction: (work) => kysely.transaction().execute(work),
    note: (tx, key) => tx.insertInto('note').values({ key }).execute(),
    refused: { 'Kysely instance': kysely },
    close: () => kysely.destroy(),
  }
})
