import type { KafkaTransport, Logger, ProcessPart, TopicSpecification } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import type { Part } from 'backstitch/migrations'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import { pino } from 'pino'
import { createDatabase, kafkaBrokers, type TestDatabase } from '../../support/services.ts'
import type { PartSettings } from '../part/part-settings.ts'
import { isolatedTransport } from './isolated-transport.ts'
import { outboxReport } from './outbox-report.ts'
import { TopicWitness } from './topic-witness.ts'

/** A database of a stage: the tables of backstitch, and those of the application. */
export type StageDatabase = { readonly parts: readonly Part[]; readonly tables: string }

const logCharactersMax = 20_000

/** Databases, topics and a witness for one crash, shared with no other; and the parts that live in the process of the tests. */
export class Stage<Name extends string> {
  readonly topicPrefix: string
  readonly witness: TopicWitness
  /** What the parts here are built with, besides their databases. */
  readonly tools: {
    readonly transport: KafkaTransport
    readonly topicPrefix: string
    readonly logger: Logger
  }
  readonly #databases: ReadonlyMap<Name, { readonly database: TestDatabase; readonly pool: Pool }>
  readonly #parts: ProcessPart[] = []
  #log = ''

  private constructor(
    topicPrefix: string,
    databases: ReadonlyMap<Name, { database: TestDatabase; pool: Pool }>,
    witness: TopicWitness,
  ) {
    this.topicPrefix = topicPrefix
    this.#databases = databases
    this.witness = witness
    const logger = pino({ level: 'info' }, { write: (line) => this.#remember(line) })
    this.tools = {
      transport: isolatedTransport(kafkaBrokers(), topicPrefix, logger),
      topicPrefix,
      logger,
    }
  }

  /** Creates the databases and the topics. */
  static async open<Name extends string>(
    topicPrefix: string,
    databases: Readonly<Record<Name, StageDatabase>>,
    topics: readonly TopicSpecification[],
  ): Promise<Stage<Name>> {
    const names = Object.keys(databases) as Name[]
    const [opened, witness] = await Promise.all([
      Promise.all(names.map(async (name) => [name, await openDatabase(databases[name])] as const)),
      openTopics(topics),
    ])
    return new Stage(topicPrefix, new Map(opened), witness)
  }

  /** A database of the stage. */
  pool(name: Name): Pool {
    return this.#at(name).pool
  }

  /** All databases. */
  get pools(): Pool[] {
    return [...this.#databases.values()].map(({ pool }) => pool)
  }

  /** What a part’s process is told to work on this stage. */
  settings(name: Name): PartSettings {
    return { url: this.#at(name).database.url, brokers: kafkaBrokers(), topicPrefix: this.topicPrefix }
  }

  /** Starts parts in the process of the tests. */
  async start(...parts: readonly ProcessPart[]): Promise<void> {
    this.#parts.push(...parts)
    await Promise.all(parts.map((part) => part.start()))
  }

  /** Stops the parts that were started here. */
  async stop(): Promise<void> {
    await Promise.all(this.#parts.splice(0).map((part) => part.stop()))
  }

  /** What the parts here logged last, and how far relays and witness are: for a test that fails. Ask before {@link close}. */
  async report(): Promise<string> {
    const outboxes = await Promise.all(this.pools.map((pool) => outboxReport(pool, this.witness)))
    return ['parts here', this.#log, ...outboxes].join('\n')
  }

  async close(): Promise<void> {
    await this.stop()
    await Promise.all([this.witness.close(), ...this.pools.map((pool) => pool.end())])
    await Promise.all([...this.#databases.values()].map(({ database }) => database.drop()))
  }

  #at(name: Name): { readonly database: TestDatabase; readonly pool: Pool } {
    const found = this.#databases.get(name)
    if (!found) throw new Error(`the stage has no database ${name}`)
    return found
  }

  #remember(line: string): void {
    this.#log = (this.#log + line).slice(-logCharactersMax)
  }
}

async function openDatabase({
  parts,
  tables,
}: StageDatabase): Promise<{ database: TestDatabase; pool: Pool }> {
  const database = await createDatabase()
  const pool = new Pool({ connectionString: database.url, max: 6 })
  await migrate({ database: pool, parts })
  await pool.query(tables)
  return { database, pool }
}

async function openTopics(topics: readonly TopicSpecification[]): Promise<TopicWitness> {
  const admin = kafkajs({ brokers: kafkaBrokers() }).admin()
  await admin.createTopics(topics)
  await admin.close()
  return TopicWitness.of(
    kafkaBrokers(),
    topics.map(({ topic }) => topic),
  )
}
