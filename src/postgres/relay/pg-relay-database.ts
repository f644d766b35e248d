import type { ClientConfig, Pool } from 'pg'
import type { StewardSettings } from '../../relay/ownership/steward-session.ts'
import type { RelayDatabase } from '../../relay/relay-database.ts'
import { poolPlace } from '../pool-place.ts'
import { PgLeafSession } from './pg-leaf-session.ts'
import { PgRelayClient } from './pg-relay-client.ts'
import { openRelaySession } from './pg-relay-session.ts'
import { openStewardSession } from './pg-steward-session.ts'
import { pgWakeListener } from '../wake/pg-wake-listener.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'

/**
 * The outbox of a database for the relay. The pool says how to connect and is not used itself: the relay needs one connection of its own
 * that nobody else sends statements to, and one more for each shard that it owns.
 *
 * @param name for log lines and health; by default the address of the pool, and the schema if it is not the usual one
 * @param shards how many shards it is expected to have
 * @throws `CONFIG_INVALID` when the schema is no usable name
 */
export function pgRelayDatabase(
  pool: Pool,
  schemaName: string = defaultSchema,
  name?: string,
  shards?: number,
): RelayDatabase {
  const schema = quoteSchema(schemaName)
  const config = clientConfigOf(pool)
  const label = name ?? (schemaName === defaultSchema ? poolPlace(pool) : `${poolPlace(pool)}/${schemaName}`)
  const begin = async <Session>(
    { leaseDurationMs }: StewardSettings,
    open: (client: PgRelayClient) => Promise<Session>,
  ): Promise<Session> => {
    const client = await PgRelayClient.connect(config, label, deadlineOf(leaseDurationMs))
    try {
      await client.assertSchema(schemaName)
      return await open(client)
    } catch (error) {
      client.close()
      throw error
    }
  }
  return {
    name: label,
    ...(shards !== undefined && { shards }),
    steward: (settings) => begin(settings, (client) => openStewardSession(client, schema, settings)),
    connect: (settings) =>
      begin(settings, (client) =>
        openRelaySession(client, schema, settings, () =>
          PgRelayClient.connect(
            config,
            label,
            deadlineOf(settings.leaseDurationMs),
            'backstitch relay pages',
            false,
          ),
        ),
      ),
    listen: (events) => pgWakeListener(config, schemaName, events),
    openLeaves: async (keepPublishedMs) =>
      new PgLeafSession(
        await PgRelayClient.connect(config, label, leavesDeadlineMs, 'backstitch relay leaves'),
        schema,
        keepPublishedMs,
      ),
  }
}

/** Statements of the upkeep hold nothing that anybody waits for, so they need not end before a lease does. */
const leavesDeadlineMs = 30_000

/** Statements end well before the lease that they act under. */
function deadlineOf(leaseDurationMs: number): number {
  return Math.floor((leaseDurationMs * 2) / 3)
}

/** The pool hides its password from whoever lists its options. */
function clientConfigOf(pool: Pool): ClientConfig {
  const { options } = pool
  return { ...options, ...(options.password !== undefined && { password: options.password }) }
}
