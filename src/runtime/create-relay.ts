import type { Pool } from 'pg'
import { pgRelayDatabase } from '../postgres/relay/pg-relay-database.ts'
import { type Relay, relayOver } from '../relay/relay.ts'
import type { OutboxRelayOptions } from '../relay/relay-options.ts'

/**
 * A database with an outbox: a pool, or one with a name for log lines, the schema of its tables, and the number of shards that its outbox must
 * have (it is looked up; given here, another number ends the start).
 */
export type RelayDatabaseOptions =
  | Pool
  | { readonly pool: Pool; readonly name?: string; readonly schema?: string; readonly shards?: number }

/** What {@link createRelay} takes. */
export type RelayOptions = Omit<OutboxRelayOptions, 'databases' | 'clock'> & {
  readonly databases: readonly RelayDatabaseOptions[]
}

/**
 * Makes a relay: it publishes the outboxes of its databases to Kafka, each row at least once and with a stable `id`, the rows of a key in
 * the order in which their transactions committed.
 *
 * Several relays over one outbox share its shards, no two differing by more than one; of an outbox of one shard, the usual one, one relay
 * works and the others stand by. Within `leaseDurationMs` of a relay’s end the others go on, at once when it is stopped. A relay opens two
 * connections of its own to each database and one to each shard that it works on; the pools only say how. They may be shared with anything.
 *
 * @throws `CONFIG_INVALID`; `start` rejects with `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER`, `DATABASE_REFUSED` or `OUTBOX_SHARDS_CHANGED`
 * @example
 * const relay = createRelay({ databases: [pool], transport: kafkajs({ brokers }) })
 * await relay.start()
 * process.once('SIGTERM', () => relay.stop())
 */
export function createRelay(options: RelayOptions): Relay {
  return relayOver({
    ...options,
    databases: options.databases.map((database) =>
      'pool' in database
        ? pgRelayDatabase(database.pool, database.schema, database.name, database.shards)
        : pgRelayDatabase(database),
    ),
  })
}
