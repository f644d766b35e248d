import type { TransportAdmin } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import { Client, Pool } from 'pg'

type Part = Parameters<typeof migrate>[0]['parts'][number]

/** Makes the table of 10,000 rows that each effect or commit updates one of. */
export const accounts = `create table account (id integer primary key, n bigint) with (fillfactor = 50);
  insert into account select g, 0 from generate_series(0, 9999) as g; analyze account`

/** A database of one measurement. */
export type BenchDatabase = { readonly name: string; readonly url: string }

/** The databases and topics of one run of the bench, each with a name of its own. */
export class BenchWorld {
  readonly url: string
  readonly brokers: readonly string[]
  readonly admin: TransportAdmin
  readonly #run = Date.now().toString(36)
  readonly #databases = new Set<string>()
  #count = 0

  constructor(url: string, brokers: readonly string[]) {
    this.url = url
    this.brokers = brokers
    this.admin = kafkajs({ brokers }).admin()
  }

  /** An outbox without rows, with the publication that Debezium needs, and a table that writers work on. */
  emptyDatabase(): Promise<BenchDatabase> {
    return this.newDatabase(
      ['outbox'],
      `create publication outbox for table backstitch.outbox with (publish = 'insert', publish_via_partition_root = true);
       ${accounts}`,
    )
  }

  /** A database with the tables of some parts, and what the SQL makes besides. */
  async newDatabase(parts: readonly Part[], sql: string): Promise<BenchDatabase> {
    const database = await this.#create('')
    const pool = new Pool({ connectionString: database.url, max: 1 })
    try {
      await migrate({ database: pool, parts })
      await pool.query(sql)
    } finally {
      await pool.end()
    }
    return database
  }

  /** The same database once more, so that what a relay does to it is not in the way of the next. Nobody may be connected to the first. */
  copyOf({ name }: BenchDatabase): Promise<BenchDatabase> {
    return this.#create(` template ${name} strategy file_copy`)
  }

  async addSlot({ url, name }: BenchDatabase, n: number = 0): Promise<string> {
    const slot = `${name}_${n}`
    await onServer(url, (client) =>
      client.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot]),
    )
    return slot
  }

  async drop({ name }: BenchDatabase): Promise<void> {
    await onServer(this.url, async (client) => {
      for (let n = 0; n < 50; n++) {
        const { rows } = await client.query<{ slot: string; active: boolean }>(
          'select slot_name as slot, active from pg_replication_slots where database = $1',
          [name],
        )
        if (rows.length === 0) break
        for (const { slot, active } of rows)
          if (!active) await client.query('select pg_drop_replication_slot($1)', [slot])
        if (rows.some(({ active }) => active)) await new Promise((resolve) => setTimeout(resolve, 200))
      }
      await client.query(`drop database if exists ${name} with (force)`)
    })
    this.#databases.delete(name)
  }

  /** A prefix whose topic `bench` exists, with the broker’s clock on each record: the same for all sides. */
  async newTopic(): Promise<string> {
    const topicPrefix = `bench.${this.#run}.${this.#count++}.`
    await this.admin.createTopics([
      {
        topic: `${topicPrefix}bench`,
        partitions: 6,
        config: { 'message.timestamp.type': 'LogAppendTime' },
      },
    ])
    return topicPrefix
  }

  /** How many records the topic of a prefix has; undefined while the broker does not answer. */
  async recordsOf(topicPrefix: string): Promise<number | undefined> {
    try {
      const ends = await this.admin.endOffsets(`${topicPrefix}bench`)
      return Number(ends.reduce((sum, end) => sum + end, 0n))
    } catch {
      return undefined
    }
  }

  async close(): Promise<void> {
    for (const name of this.#databases) await this.drop({ name, url: '' })
    await this.admin.close()
  }

  async #create(options: string): Promise<BenchDatabase> {
    const name = `bench_${this.#run}_${this.#count++}`
    await onServer(this.url, (client) => client.query(`create database ${name}${options}`))
    this.#databases.add(name)
    const url = new URL(this.url)
    url.pathname = `/${name}`
    return { name, url: url.href }
  }
}

/** One connection for a moment. */
export async function onServer<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
