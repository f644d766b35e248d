import { kafkajs } from 'backstitch/kafkajs'
import { readFileSync } from 'node:fs'
import type { Pool } from 'pg'
import { type DebeziumServer, type Services, startDebezium, startServices } from '../../dev-services/index.ts'
import { migrate } from '../../src/postgres/migrate.ts'
import type { Part } from '../../migrations/migration.ts'
import { faultPool } from '../faults/world/fault-pool.ts'

// What the documentation tells the user to do is what is done here.
const protocol = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8')
const documented = (language: string, mark: string): string =>
  [...protocol.matchAll(/```(\w+)\n([\s\S]*?)```/g)].find(
    ([, found, text]) => found === language && text?.includes(mark),
  )?.[2] ?? ''

/** A database with an outbox, and a Kafka Connect whose connectors read it. */
export class DebeziumOutbox {
  readonly pool: Pool
  readonly brokers: readonly string[]
  readonly #services: Services
  readonly #debezium: DebeziumServer
  readonly #run: string
  readonly #url: URL

  private constructor(services: Services, debezium: DebeziumServer, run: string, url: URL) {
    this.brokers = services.kafka.brokers
    this.#services = services
    this.#debezium = debezium
    this.#run = run
    this.#url = url
    // a server that stops may still end sessions that their pool has just let go of
    this.pool = faultPool(url.href, 6)
  }

  /** @param run tells this run’s database and slots from others */
  static async start(run: string, parts: readonly Part[]): Promise<DebeziumOutbox> {
    const log = (line: string): void => console.error(`[services] ${line}`)
    const services = await startServices({ log })
    try {
      const properties = { 'plugin.discovery': 'service_load' }
      const debezium = await startDebezium({ brokers: services.kafka.brokers, properties, log })
      const server = faultPool(services.postgres.url, 1)
      await server.query(`create database ${run}`)
      await server.end()
      const url = new URL(services.postgres.url)
      url.pathname = `/${run}`
      const outbox = new DebeziumOutbox(services, debezium, run, url)
      await migrate({ database: outbox.pool, parts })
      await outbox.pool.query(documented('sql', 'create publication'))
      return outbox
    } catch (thrown) {
      await services.stop()
      throw thrown
    }
  }

  async createTopics(topics: readonly string[], partitions: number): Promise<void> {
    const admin = kafkajs({ brokers: this.brokers }).admin()
    await admin.createTopics(topics.map((topic) => ({ topic, partitions })))
    await admin.close()
  }

  /** Starts the documented connector, to topics of that prefix. What is inserted from then on is published. */
  async connect(name: string, prefix: string, settings: Record<string, string> = {}): Promise<void> {
    const slot = `${this.#run}_${name}`
    await this.pool.query(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])
    await this.#debezium.connect(name, {
      ...(JSON.parse(documented('json', 'EventRouter')) as Record<string, string>),
      'database.hostname': this.#url.hostname,
      'database.port': this.#url.port,
      'database.user': decodeURIComponent(this.#url.username),
      'database.password': decodeURIComponent(this.#url.password),
      'database.dbname': this.#run,
      'slot.name': slot,
      'topic.prefix': `interop-${name}`,
      'transforms.outbox.route.topic.replacement': `${prefix}\${routedByValue}`,
      ...settings,
    })
  }

  /** Fails when a connector has. */
  async assertRuns(name: string): Promise<void> {
    const trouble = await this.#debezium.trouble(name)
    if (trouble !== undefined) throw new Error(`Debezium’s connector ${name} failed: ${trouble}`)
  }

  async stop(): Promise<void> {
    await this.#debezium.stop()
    await this.pool
      .query(
        'select pg_drop_replication_slot(slot_name) from pg_replication_slots where starts_with(slot_name, $1)',
        [this.#run],
      )
      .catch(() => undefined)
    await this.pool.end()
    await this.#services.stop()
  }
}
