import type { Pool, PoolClient } from 'pg'
import type { LastStatement } from '../kernel/database.ts'
import type { CommittingTransactions } from '../outbox/transaction-runner.ts'
import { explainSqlError } from './explain-sql-error.ts'
import { pgDatabase } from './pg-database.ts'
import type { PgOutboxStore } from './pg-outbox-store.ts'

/**
 * Transactions on the clients of a pool that insert their outbox rows in one round trip with the commit, so that an outbox adds none: clients in
 * pipeline mode send the two without waiting, others as one message.
 */
export function pgOutboxTransactions(pool: Pool, store: PgOutboxStore): CommittingTransactions<PoolClient> {
  const database = pgDatabase(pool)
  return {
    commitWith: async (work) => {
      let last: LastStatement | undefined
      await database
        .transaction(
          async (tx) => {
            last = store.insertion(await work(tx as PoolClient))
          },
          { last: () => last },
        )
        .catch(explainSqlError('the outbox'))
    },
  }
}
