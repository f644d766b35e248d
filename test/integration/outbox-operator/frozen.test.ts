import { Pool, type PoolClient } from 'pg'
import { expect, test } from 'vitest'
import { createOutboxAdministrator, createOutboxOperator } from '../../../src/index.ts'
import { requestTopicAdoption } from '../../../src/postgres/operator/pg-topic-adoption.ts'
import { until } from '../relay/relay-world.ts'
import { operatorWorld } from './parked-rows.ts'

/** Clients of this pool say nothing any more behind the begin of a transaction, like a command line that was stopped in the middle. */
function freezing(url: string): Pool {
  const pool = new Pool({ connectionString: url, application_name: 'frozen', max: 10 })
  pool.on('error', () => undefined)
  pool.on('connect', (client: PoolClient) => {
    const query = client.query.bind(client) as (...given: unknown[]) => Promise<unknown>
    let hasBegun = false
    client.query = ((...given: unknown[]) => {
      if (hasBegun) return new Promise((_, reject) => client.once('end', () => reject(new Error('frozen'))))
      hasBegun = String(given[0]).startsWith('begin')
      return query(...given)
    }) as typeof client.query
  })
  return pool
}

test('the verbs of an operator who freezes give their locks back', async () => {
  const world = await operatorWorld()
  const pool = freezing(world.url)
  const act = { actor: 'ann', reason: 'the laptop was closed' }
  const operator = createOutboxOperator({ database: pool })
  const administrator = createOutboxAdministrator({ database: pool })
  const sessions = async (): Promise<number> => {
    const { rows } = await world.pool.query<{ n: number }>(
      `select count(*)::int as n from pg_stat_activity where datname = current_database() and application_name = 'frozen' and state = 'idle in transaction'`,
    )
    return rows[0]?.n ?? 0
  }
  const verbs = [
    operator.retry({ all: true }, act),
    operator.skip({ all: true }, act),
    operator.edit('1', { body: '{}' }, act),
    operator.replay({ fromSeq: '1' }, act),
    operator.cancelReplay('019b0000-0000-7000-8000-000000000000', act),
    administrator.adopt(act),
    administrator.reshard(2, act),
    requestTopicAdoption(pool, { topic: 'orders', partitions: 4 }, act),
  ]
  const ended = Promise.allSettled(verbs)
  try {
    await until('all are frozen', async () => (await sessions()) === verbs.length)
    await until('their sessions are ended', async () => (await sessions()) === 0, 20_000)
    expect((await ended).map(({ status }) => status)).toEqual(verbs.map(() => 'rejected'))
  } finally {
    // whatever is still frozen
    await world.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'frozen'`,
    )
    await ended
    await pool.end()
    await world.close()
  }
})
