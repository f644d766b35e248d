import knex, { type Knex } from 'knex'
import { testCallerLibrary } from './caller-library.ts'

testCallerLibrary<Knex.Transaction>('knex', async (connection) => {
  const instance = knex({ client: 'pg', connection, pool: { min: 0, max: 2 } })
  return {
    database: instance,
    transaction: (work) => instance.transaction(work),
    note: (tx, key) => tx('note').insert({ key }),
    refused: { 'knex instance': instance },
    close: () => instance.destroy(),
  }
})
