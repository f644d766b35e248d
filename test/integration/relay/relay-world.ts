import { Pool, type PoolClient } from 'pg'
import { silentLogger } from '../../../src/kernel/logger.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import type { Relay } from '../../../src/relay/relay.ts'
import { createRelay, type RelayOptions } from '../../../src/runtime/create-relay.ts'
import { type InMemoryTransport, inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { createDatabase } from '../../support/services.ts'

/** The topic of what these tests write. */
export const topic = 'outbox.event.order'

/** A database with an outbox, a Kafka in memory, and relays between them. */
export type RelayWorld = {
  readonly url: string
  readonly pool: Pool
  readonly transport: InMemoryTransport
  /** What relays logged, by line. */
  readonly lines: string[]
  /** Starts a relay; it is stopped by {@link close} at the latest. */
  relay(options?: Partial<RelayOptions>): Promise<Relay>
  /** Inserts rows of a key by plain SQL, in one transaction of their own. */
  insert(key: string, ...payloads: readonly (string | null)[]): Promise<void>
  /** A transaction that stays open. */
  open(): Promise<{ client: PoolClient; commit(): Promise<void>; rollback(): Promise<void> }>
  /** Bodies on the topic, in the order in which they came. */
  bodies(): string[]
  close(): Promise<void>
}

/** Makes a {@link RelayWorld}. */
export async function relayWorld(
  topics: Readonly<Record<string, number>> = { [topic]: 4 },
): Promise<RelayWorld> {
  const { url } = await createDatabase({
    migrate: async (database) => void (await migrate({ database, parts: ['outbox'] })),
  })
  const pool = new Pool({ connectionString: url, max: 8 })
  pool.on('error', () => undefined)
  const transport = inMemoryTransport({ topics })
  const relays: Relay[] = []
  const lines: string[] = []
  const note = (_: object, line: string): void => void lines.push(line)
  const logger = { ...silentLogger, info: note, warn: note, error: note, child: () => logger }
  return {
    url,
    pool,
    transport,
    lines,
    relay: async (options = {}) => {
      const relay = createRelay({ databases: [pool], transport, logger, ...options })
      relays.push(relay)
      await relay.start()
      return relay
    },
    insert: async (key, ...payloads) => {
      await pool.query(insertRows, [key, payloads])
    },
    open: async () => {
      const client = await pool.connect()
      await client.query('begin')
      const end = async (how: string): Promise<void> => {
        await client.query(how)
        client.release()
      }
      return { client, commit: () => end('commit'), rollback: () => end('rollback') }
    },
    bodies: () => transport.records(topic).map(({ value }) => String(value)),
    close: async () => {
      await Promise.all(relays.map((relay) => relay.stop()))
      await pool.end()
    },
  }
}

/** Inserts rows of the key `$1` with the bodies `$2`. */
export const insertRows = `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
select 'order', $1, 'order.placed', p.payload from unnest($2::text[]) with ordinality as p (payload, n) order by p.n`

/** Waits until something holds. Fails after ten seconds, or as many milliseconds as are given. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  msMax: number = 10_000,
): Promise<void> {
  const endsAtMs = performance.now() + Math.max(10_000, msMax)
  while (!(await holds())) {
    if (performance.now() > endsAtMs) throw new Error(`it did not happen: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
