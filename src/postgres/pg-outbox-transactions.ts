import type { Pool, PoolClient } from 'pg'
import type { CommittingTransactions } from '../outbox/transaction-runner.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { pgDatabase } from './pg-database.ts'
import type { PgOutboxStore } from './pg-outbox-store.ts'

/**
 * Transactions on the clients of a pool that insert their outbox rows in one round trip with the commit: an outbox adds no round trip to a
 * transaction.
 */
export function pgOutboxTransactions(pool: Pool, store: PgOutboxStore): CommittingTransactions<PoolClient> {
  const database = pgDatabase(pool)
  return {
    commitWith: async (work) => {
      let lastStatements = ''
      await database
        .transaction(
          async (tx) => {
            lastStatements = store.insertText(await work(tx as PoolClient))
          },
          { lastStatements: () => lastStatements },
        )
        .catch(explainSqlError('the outbox'))
    },
  }
}
