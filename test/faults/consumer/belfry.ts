import { createLetterOperator } from 'backstitch'
import { kafkajs } from 'backstitch/kafkajs'
import { migrate } from 'backstitch/postgres'
import { Pool } from 'pg'
import type { Services } from '../../../dev-services/index.ts'
import { newId } from '../../../src/kernel/ids.ts'
import type { Poison, RingerSettings } from './bell.ts'
import { bellTables } from './bell.ts'
import { RingerProcess } from './ringer-process.ts'

/** A message to publish. */
export type Ring = { readonly tower: string; readonly n: number; readonly poison?: Poison }

/** A dead letter, as far as it matters here. */
type Letter = { readonly reason_code: string; readonly reason: string; readonly n: number }

/** A database, a topic of one partition, and a group whose members run in processes: where messages are poisoned. */
export class Belfry {
  readonly pool: Pool
  readonly #settings: Omit<RingerSettings, 'isFixed'>
  readonly #ringers: RingerProcess[] = []

  private constructor(pool: Pool, settings: Omit<RingerSettings, 'isFixed'>) {
    this.pool = pool
    this.#settings = settings
  }

  static async open(services: Services): Promise<Belfry> {
    const name = `belfry_${Date.now().toString(36)}_${Math.floor(Math.random() * 1e6)}`
    const server = new Pool({ connectionString: services.postgres.url, max: 1 })
    await server.query(`create database ${name}`)
    await server.end()
    const url = new URL(services.postgres.url)
    url.pathname = `/${name}`
    const pool = new Pool({ connectionString: url.href, max: 2 })
    await migrate({ database: pool, parts: ['outbox', 'inbox'] })
    await pool.query(bellTables)
    const brokers = services.kafka.brokers
    const admin = kafkajs({ brokers }).admin()
    await admin.createTopics([{ topic: `${name}.bell`, partitions: 1 }])
    await admin.close()
    return new Belfry(pool, { url: url.href, brokers, topicPrefix: `${name}.`, group: name })
  }

  async publish(rings: readonly Ring[]): Promise<void> {
    const publisher = kafkajs({ brokers: this.#settings.brokers }).publisher()
    await publisher.open()
    const result = await publisher.publish(
      rings.map((ring) => ({
        topic: `${this.#settings.topicPrefix}bell`,
        partition: 0,
        key: ring.tower,
        value: JSON.stringify(ring),
        headers: Object.entries({ id: newId(), type: 'bell.rung', version: '1' }),
      })),
      { deadlineMs: 20_000 },
    )
    await publisher.close()
    if (result.kind !== 'acknowledged') throw new Error(`not published: ${JSON.stringify(result)}`)
  }

  start(options: { readonly isFixed?: boolean; readonly handlingMs?: number } = {}): RingerProcess {
    const ringer = new RingerProcess({ isFixed: false, ...options, ...this.#settings })
    this.#ringers.push(ringer)
    return ringer
  }

  /** What was applied of each tower, in order. */
  async rung(): Promise<Record<string, readonly number[]>> {
    const { rows } = await this.pool.query<{ tower: string; ns: number[] }>(
      'select tower, array_agg(n order by at) as ns from rung group by tower order by tower',
    )
    return Object.fromEntries(rows.map(({ tower, ns }) => [tower, ns]))
  }

  /** The letters of a state, the oldest first. */
  async letters(state: 'dead' | 'retrying'): Promise<readonly Letter[]> {
    const { rows } = await this.pool.query<Letter>(
      `select reason_code, reason, (convert_from(payload, 'UTF8')::jsonb ->> 'n')::integer as n
       from backstitch.dead_letter where state = $1 order by id`,
      [state],
    )
    return rows
  }

  async redriveAll(): Promise<void> {
    await createLetterOperator({ database: this.pool }).redrive(
      { all: true },
      { actor: 'ann', reason: 'the handler is repaired' },
    )
  }

  async close(): Promise<void> {
    await Promise.all(this.#ringers.map((ringer) => ringer.stop()))
    await this.pool.end()
  }
}
