import { applyTopics, createOutbox, createRelay } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import { Client, Pool } from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueTopicPrefix } from '../support/services.ts'
import { checkHistory } from './check-history.ts'
import { startNaiveReader } from './naive-reader.ts'
import { startTopicReader } from './topic-reader.ts'
import { Counted, historyTables, writeHistory } from './writers.ts'

const transactions = 160
/** The three open transactions live longer than the whole run, so whoever waits for them is slower than this. */
const deliveryMsMax = 1_500

test.each([
  { shards: 1, relays: 1 },
  { shards: 4, relays: 2 },
])(
  'nothing is lost, invented or turned round, and no open transaction is waited for ($shards shard(s), $relays relay(s))',
  async ({ shards, relays: count }) => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
    console.log(`history: SEED=${seed}`)
    const [{ url }, { url: otherUrl }] = [await createDatabase(), await createDatabase()]
    const pool = new Pool({ connectionString: url, max: 12 })
    const topicPrefix = uniqueTopicPrefix()
    const brokers = kafkaBrokers()
    const transport = kafkajs({ brokers })
    await migrate({ database: pool, parts: ['outbox'] })
    await pool.query('update backstitch.outbox_sharding set shard_count = $1, settled_count = $1', [shards])
    await pool.query(historyTables)
    await applyTopics({ transport, contracts: [Counted], topicPrefix })

    const blockers = await openTransactions(url, otherUrl)
    const relays = Array.from({ length: count }, () =>
      createRelay({ databases: [pool], transport, topicPrefix }),
    )
    const topic = await startTopicReader(brokers, `${topicPrefix}history`)
    const naive = startNaiveReader(pool)
    onTestFinished(async () => {
      await blockers.end()
      await Promise.all([...relays.map((relay) => relay.stop()), topic.stop()])
      await pool.end()
    })
    await Promise.all(relays.map((relay) => relay.start()))
    const shares = (): number[] => relays.map((relay) => relay.status()[0]?.shards.length ?? 0)
    await expect.poll(shares, { timeout: 20_000 }).toEqual(relays.map(() => shards / count))

    const begun = Date.now()
    const history = await writeHistory(pool, transactions, seed)
    const ranMs = Date.now() - begun
    const arrived = (): number => new Set(topic.reading.map(({ id }) => id)).size
    await expect.poll(arrived, { timeout: 20_000 }).toBe(history.committed.size)

    const verdict = checkHistory(history, topic.reading)
    const naiveVerdict = checkHistory(history, await naive.stop())
    console.log('history:', {
      rows: history.committed.size,
      rolledBack: history.rolledBack.size,
      ranMs,
      ...verdict,
    })
    console.log('history, read by seq > last:', naiveVerdict)
    expect(verdict).toMatchObject({ lost: 0, ghosts: 0, inversions: 0, duplicates: 0 })
    expect(ranMs).toBeGreaterThan(deliveryMsMax)
    expect(verdict.slowestMs).toBeLessThan(deliveryMsMax)
    expect(naiveVerdict.lost, 'the same history tells a wrong reader').toBeGreaterThan(0)

    // what the open transactions hold back comes once they commit, and not before
    const late = await blockers.commit()
    await expect.poll(arrived, { timeout: 20_000 }).toBe(history.committed.size + late.length)
    expect(
      topic.reading
        .slice(-late.length)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(late.toSorted())
  },
)

/** An open write transaction in the same database, one in another database, and a prepared one; the first and the last hold an outbox row each. */
async function openTransactions(
  url: string,
  otherUrl: string,
): Promise<{ commit(): Promise<string[]>; end(): Promise<void> }> {
  const [here, elsewhere, prepared] = [url, otherUrl, url].map(
    (connectionString) => new Client({ connectionString }),
  )
  const clients = [here!, elsewhere!, prepared!]
  await Promise.all(clients.map((client) => client.connect()))
  const outbox = createOutbox({ service: 'history' })
  const rows = [Counted.create({ key: 'open', n: 1 }), Counted.create({ key: 'prepared', n: 1 })]
  const gid = `history-${rows[1]!.id}`
  await here!.query('begin')
  await here!.query(`insert into other (note) values ('open')`)
  await outbox.enqueue(here!, rows[0]!)
  await elsewhere!.query('begin; create table held (id integer); insert into held values (1)')
  await prepared!.query('begin')
  await outbox.enqueue(prepared!, rows[1]!)
  await prepared!.query(`prepare transaction '${gid}'`)
  let open = true
  const commit = async (): Promise<string[]> => {
    open = false
    await here!.query('commit')
    await elsewhere!.query('commit')
    await prepared!.query(`commit prepared '${gid}'`)
    return rows.map(({ id }) => id)
  }
  return {
    commit,
    end: async () => {
      if (open) await prepared!.query(`rollback prepared '${gid}'`)
      await Promise.all(clients.map((client) => client.end()))
    },
  }
}
