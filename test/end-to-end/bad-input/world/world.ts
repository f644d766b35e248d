import {
  createConsumer,
  createOrchestrator,
  createParticipant,
  createRelay,
  type ConsumerOptions,
  type KafkaTransport,
  type ProcessPart,
  type Relay,
  type TopicSpecification,
} from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import { onTestFinished } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueTopicPrefix } from '../../../support/services.ts'
import { LogBook } from './log-book.ts'
import { invoiceTable, placeOrder, reserveStock, writeInvoice } from './shop.ts'

/** Pauses between the tries of a handler: there are some, and no test waits for them. */
const quickRetry = { attemptsMax: 3, backoff: { initialMs: 10, maxMs: 20, factor: 2 } }

/** A dead letter, as far as tests ask. */
export type Letter = {
  readonly message_id: string
  readonly type: string | null
  readonly message_key: Buffer | null
  readonly payload: Buffer | null
  readonly headers: readonly { readonly name: string; readonly text?: string; readonly base64?: string }[]
  readonly reason_code: string
  readonly reason: string
  readonly stack: string | null
  readonly attempts: number
  readonly partition: number
}

/** One database, topics and groups of its own, and the parts of the shop, for one test. */
export class World {
  readonly url: string
  readonly pool: Pool
  readonly topicPrefix = uniqueTopicPrefix()
  readonly log = new LogBook()
  readonly transport: KafkaTransport

  private constructor(url: string) {
    this.url = url
    this.pool = new Pool({ connectionString: url, max: 6 })
    this.transport = this.transportTo(kafkaBrokers())
  }

  /** Opens one for the test that calls it. `migrated`: with all tables of backstitch, and that of the shop. Default true. */
  static async open(options: { readonly migrated?: boolean } = {}): Promise<World> {
    const world = new World((await createDatabase()).url)
    onTestFinished(() => world.pool.end())
    await world.pool.query(invoiceTable)
    if (options.migrated !== false) await world.migrate()
    return world
  }

  async migrate(): Promise<void> {
    await migrate({ database: this.pool, parts: ['outbox', 'inbox', 'participant', 'saga', 'timer'] })
  }

  /** A transport whose consumer groups are this world’s alone. */
  transportTo(brokers: readonly string[]): KafkaTransport {
    const transport = kafkajs({ brokers, connectionTimeoutMs: 500, logger: this.log })
    return {
      ...transport,
      subscriber: (options) =>
        transport.subscriber({ ...options, group: this.topicPrefix + options.group, maxWaitMs: 50 }),
    }
  }

  topicOf(aggregateType: string): string {
    return this.topicPrefix + aggregateType
  }

  /** Creates topics of one partition, unless told otherwise. */
  async createTopics(
    ...topics: readonly (string | (Omit<TopicSpecification, 'topic'> & { readonly aggregateType: string }))[]
  ): Promise<void> {
    const admin = this.transport.admin()
    await admin.createTopics(
      topics.map((wanted) => {
        const { aggregateType, ...specification } =
          typeof wanted === 'string' ? { aggregateType: wanted, partitions: 1 } : wanted
        return { ...specification, topic: this.topicOf(aggregateType) }
      }),
    )
    await admin.close()
  }

  relay(options: Partial<Parts> = {}): Relay {
    const { pool, ...rest } = this.#parts(options)
    return this.#stopped(createRelay({ ...rest, databases: [{ pool, name: 'shop' }] }))
  }

  consumer(options: Partial<Parts> & Partial<Pick<ConsumerOptions, 'handlers'>> = {}): ProcessPart {
    const { pool, ...rest } = this.#parts(options)
    return this.#stopped(
      createConsumer({
        handlers: options.handlers ?? [writeInvoice],
        ...rest,
        database: pool,
        group: 'billing',
        retry: quickRetry,
      }),
    )
  }

  participant(options: Partial<Parts> = {}): ProcessPart {
    const { pool, ...rest } = this.#parts(options)
    const part = { ...rest, database: pool, service: 'stock', handlers: [reserveStock], retry: quickRetry }
    return this.#stopped(createParticipant(part))
  }

  orchestrator(options: Partial<Parts> = {}): ProcessPart {
    const { pool, ...rest } = this.#parts(options)
    return this.#stopped(createOrchestrator({ ...rest, database: pool, sagas: [placeOrder] }))
  }

  /** Inserts rows by plain SQL, each in a transaction of its own. */
  async insert(...rows: readonly { aggregateType?: string; key: string; payload: string }[]): Promise<void> {
    for (const { aggregateType = 'order', key, payload } of rows)
      await this.pool.query(
        `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ($1, $2, $1 || '.placed', $3)`,
        [aggregateType, key, payload],
      )
  }

  /** The orders of which an invoice was written, in that order. */
  async invoices(): Promise<string[]> {
    const { rows } = await this.pool.query<{ order_id: string }>('select order_id from invoice order by at')
    return rows.map((row) => row.order_id)
  }

  /** In the order of their records. */
  async deadLetters(): Promise<Letter[]> {
    return (
      await this.pool.query<Letter>('select * from backstitch.dead_letter order by partition, "offset"')
    ).rows
  }

  #parts({ pool = this.pool, transport = this.transport }: Partial<Parts>): Parts & Shared {
    return { pool, transport, topicPrefix: this.topicPrefix, logger: this.log }
  }

  #stopped<Part extends ProcessPart>(part: Part): Part {
    onTestFinished(() => part.stop())
    return part
  }
}

type Parts = { readonly pool: Pool; readonly transport: KafkaTransport }
type Shared = { readonly topicPrefix: string; readonly logger: LogBook }
