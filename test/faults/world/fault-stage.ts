import { kafkajs } from 'backstitch/kafkajs'
import type { Pool } from 'pg'
import type { OwnServices } from '../../../dev-services/index.ts'
import { brokenPromises } from './broken-promises.ts'
import { faultPool, migrateFaults } from './fault-pool.ts'
import { FaultWriters, type FaultWriterOptions } from './fault-writers.ts'
import { readTopic, recordsOf } from './read-topic.ts'
import { RelayProcess } from './relay-process.ts'
import { until } from './until.ts'

/** The name by which the relays’ sessions are known on the server. */
const relayName = 'relay-under-test'
/** A relay’s sessions beside those of its shards are few, however often it has had to begin again. */
const sessionsOfRelayMax = 3
const heapMbMax = 200

/** An outbox on a server of its own, a topic, relays in processes, and writers: what a fault is brought upon, and what is counted afterwards. */
export class FaultStage {
  readonly pool: Pool
  readonly topic: string
  readonly #services: OwnServices
  readonly #url: string
  readonly #shards: number
  readonly #topicPrefix: string
  readonly #brokers: readonly string[]
  readonly #leaseDurationMs: number
  readonly #driver: string | undefined
  readonly #relays: RelayProcess[] = []
  readonly #writers: FaultWriters[] = []

  private constructor(
    services: OwnServices,
    name: string,
    {
      brokers,
      leaseDurationMs,
      url,
      shards,
      driver,
    }: {
      brokers: readonly string[]
      leaseDurationMs: number
      url: string
      shards: number
      driver: string | undefined
    },
  ) {
    this.#services = services
    this.#brokers = brokers
    this.#leaseDurationMs = leaseDurationMs
    this.#driver = driver
    this.#url = url
    this.#shards = shards
    this.pool = faultPool(url)
    this.#topicPrefix = `${name}.`
    this.topic = `${name}.fault`
  }

  /**
   * Makes a database and a topic.
   * @param options.brokers where the relays think that the broker is. Default: where it is
   * @param options.tablespace of the database
   */
  static async open(
    services: OwnServices,
    options: {
      readonly brokers?: readonly string[]
      readonly leaseDurationMs?: number
      readonly tablespace?: string
      /** Default 1. */
      readonly shards?: number
      /** Of the relays. Default: see `RelaySettings`. */
      readonly driver?: string
    } = {},
  ): Promise<FaultStage> {
    const name = `fault_${Date.now().toString(36)}_${Math.floor(Math.random() * 1e6)}`
    const server = faultPool(services.postgres.url, 1)
    try {
      await server.query(
        `create database ${name}${options.tablespace === undefined ? '' : ` tablespace ${options.tablespace}`}`,
      )
    } finally {
      await server.end()
    }
    const url = new URL(services.postgres.url)
    url.pathname = `/${name}`
    const { brokers = services.kafka.brokers, leaseDurationMs = 1_000, shards = 1, driver } = options
    const stage = new FaultStage(services, name, { brokers, leaseDurationMs, url: url.href, shards, driver })
    await migrateFaults(stage.pool)
    await stage.pool.query('update backstitch.outbox_sharding set shard_count = $1, settled_count = $1', [
      stage.#shards,
    ])
    const admin = kafkajs({ brokers: services.kafka.brokers }).admin()
    await admin.createTopics([{ topic: stage.topic, partitions: 4 }])
    await admin.close()
    return stage
  }

  startRelay(): RelayProcess {
    const url = new URL(this.#url)
    url.searchParams.set('application_name', relayName)
    const relay = new RelayProcess({
      url: url.href,
      brokers: this.#brokers,
      topicPrefix: this.#topicPrefix,
      leaseDurationMs: this.#leaseDurationMs,
      ...(this.#driver !== undefined && { driver: this.#driver }),
    })
    this.#relays.push(relay)
    return relay
  }

  startWriters(name: string, options: FaultWriterOptions = {}): FaultWriters {
    const writers = new FaultWriters(this.pool, name, options)
    this.#writers.push(writers)
    return writers
  }

  /** How many records are on the topic; 0 while the broker does not answer. */
  delivered(): Promise<number> {
    return recordsOf(this.#services.kafka.brokers, this.topic)
  }

  /** Waits until so many more records are on the topic. */
  async untilMore(count: number, deadlineMs?: number): Promise<void> {
    const before = await this.delivered()
    await until(
      `${count} more rows are delivered`,
      async () => (await this.delivered()) >= before + count,
      deadlineMs,
    )
  }

  /**
   * Ends the writers, waits until all that was committed is on the topic (I8: nobody lends a hand), and says what is broken: I1, I2 and I4 on
   * the topic, and whether sessions, locks and memory are what they were (I10).
   */
  async brokenPromises({ drainedWithinMs = 60_000 }: { drainedWithinMs?: number } = {}): Promise<string[]> {
    for (const writers of this.#writers) await writers.stop()
    const { rows } = await this.pool.query<{ body: string }>('select body from fault_written')
    const committed = new Set(rows.map(({ body }) => body))
    if (committed.size === 0) return ['nothing was written: the test says nothing']
    let broken: string[] = []
    await until(
      'the backlog drains',
      async () => {
        if ((await this.delivered()) < committed.size) return false
        broken = brokenPromises(committed, await readTopic(this.#services.kafka.brokers, this.topic))
        return !broken.some((what) => what.startsWith('I1'))
      },
      drainedWithinMs,
    ).catch(() => broken.push(`I8 the backlog of ${committed.size} rows has not drained`))
    return [...broken, ...(await this.#leftOver())]
  }

  async close(): Promise<void> {
    for (const writers of this.#writers) await writers.stop()
    await Promise.all(this.#relays.map((relay) => relay.stop()))
    await this.pool.end()
  }

  /** What must not grow: sessions of the relays, and the tables of the outbox. */
  async measure(): Promise<{ sessions: number; outboxMb: number; sideMb: number }> {
    const { rows } = await this.pool.query<{ sessions: number; outbox: string; side: string }>(
      `select (select count(*)::integer from pg_stat_activity where application_name = $1) as sessions,
         coalesce(sum(pg_total_relation_size(c.oid)) filter (where c.oid in (select relid from pg_partition_tree('backstitch.outbox'))), 0) as outbox,
         coalesce(sum(pg_total_relation_size(c.oid)) filter (where c.oid not in (select relid from pg_partition_tree('backstitch.outbox'))), 0) as side
       from pg_class as c where c.relnamespace = 'backstitch'::regnamespace and c.relkind = 'r'`,
      [relayName],
    )
    const { sessions, outbox, side } = rows[0] ?? { sessions: 0, outbox: '0', side: '0' }
    return { sessions, outboxMb: Number(outbox) / 2 ** 20, sideMb: Number(side) / 2 ** 20 }
  }

  async #leftOver(): Promise<string[]> {
    const look = async () =>
      (
        await this.pool.query<{ sessions: number; waiting: number; open: number }>(
          `select count(*) filter (where application_name = $1)::integer as sessions,
             count(*) filter (where wait_event_type = 'Lock')::integer as waiting,
             count(*) filter (where state like 'idle in transaction%' and state_change < now() - interval '5 s')::integer as open
           from pg_stat_activity where datname = current_database()`,
          [relayName],
        )
      ).rows[0] ?? { sessions: 0, waiting: 0, open: 0 }
    const running = this.#relays.filter(({ state }) => state !== 'starting').length
    const sessionsMax = this.#shards + running * sessionsOfRelayMax
    // a backlog is read over one more for each shard, which is let go some seconds after
    const first = await look()
    if (first.sessions > sessionsMax && first.sessions <= sessionsMax + this.#shards)
      await until(
        'the backlog’s sessions are let go',
        async () => (await look()).sessions <= sessionsMax,
      ).catch(() => undefined)
    const { sessions, waiting, open } = await look()
    const heaviest = Math.max(0, ...this.#relays.map(({ report }) => report.heapMb))
    return [
      ...(sessions > sessionsMax ? [`I10 ${sessions} sessions of ${running} relays`] : []),
      ...(waiting > 0 ? [`I10 ${waiting} sessions wait for locks`] : []),
      ...(open > 0 ? [`I10 ${open} transactions were left open`] : []),
      ...(heaviest > heapMbMax ? [`I10 a relay holds ${Math.round(heaviest)} MB`] : []),
    ]
  }
}
