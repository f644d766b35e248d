import postgres from 'postgres'
import { testCallerLibrary } from './caller-library.ts'

testCallerLibrary<postgres.TransactionSql>('postgres.js', async (url) => {
  const sql = postgres(url, { max: 2, onnotice: () => undefined })
  return {
    database: sql,
    transaction: (work) => sql.begin(work),
    note: (tx, key) => tx`insert into note values (${key})`,
    refused: { 'postgres.js instance': sql },
    close: () => sql.end(),
  }
})
