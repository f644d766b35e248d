import type { Logger } from '../../kernel/logger.ts'
import type { Config } from '../config.ts'
import { createRelay } from '../create-relay.ts'
import { chooseDatabases } from './choose-databases.ts'
import type { ConfiguredParts } from './configured-parts.ts'
import { createPoolFromConfig } from './create-pool-from-config.ts'
import { createProbesFromConfig } from './create-probes-from-config.ts'
import { createTransportFromConfig } from './create-transport-from-config.ts'
import { present } from './present.ts'

/**
 * The relay of the configuration, over all databases that have the part `outbox`, or those of them that are named.
 * @throws `CONFIG_INVALID`, `CONFIG_NOT_FOUND`
 */
export async function createRelayFromConfig(
  config: Config,
  logger: Logger,
  names?: readonly string[],
): Promise<ConfiguredParts> {
  const chosen = chooseDatabases(config, { names, part: 'outbox' })
  const transport = await createTransportFromConfig(config, logger)
  const databases = chosen.map((database) => ({
    pool: createPoolFromConfig(database, 'backstitch relay'),
    name: database.name,
    schema: database.schema,
    ...(database.shards !== undefined && { shards: database.shards }),
  }))
  const { pace, retention, ...options } = config.relay
  const probes = createProbesFromConfig(config)
  const relay = createRelay({
    ...present(options),
    ...(pace && { pace: present(pace) }),
    ...(retention && { retention: present(retention) }),
    databases,
    transport,
    topicPrefix: config.topicPrefix,
    logger,
    metrics: probes.metrics,
  })
  return {
    parts: [relay],
    probes: probes.serverOf([relay]),
    close: async () => {
      await Promise.all(databases.map(({ pool }) => pool.end()))
    },
  }
}
