import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Config } from '../config.ts'
import { createOrchestrator } from '../create-orchestrator.ts'
import { chooseOrchestratorDatabase } from './choose-databases.ts'
import { createPoolFromConfig } from './create-pool-from-config.ts'
import { createProbesFromConfig } from './create-probes-from-config.ts'
import { createTransportFromConfig } from './create-transport-from-config.ts'
import type { ConfiguredParts } from './configured-parts.ts'
import { present } from './present.ts'

/**
 * The orchestrators of the configuration: one for each name that its sagas are driven by, usually one.
 * @throws `CONFIG_INVALID`, `CONFIG_NOT_FOUND`
 */
export async function createOrchestratorsFromConfig(
  config: Config,
  logger: Logger,
): Promise<ConfiguredParts> {
  if (config.orchestrator === undefined) {
    if (config.file === undefined)
      throw new BackstitchError('CONFIG_NOT_FOUND', 'An orchestrator needs it for its sagas')
    throw new BackstitchError('CONFIG_INVALID', `${config.file}: orchestrator.sagas: none is given`)
  }
  const { sagas, database: _, ...options } = config.orchestrator
  const database = chooseOrchestratorDatabase(config)
  const transport = await createTransportFromConfig(config, logger)
  const pool = createPoolFromConfig(database, 'backstitch orchestrator')
  const probes = createProbesFromConfig(config)
  const names = [...new Set(sagas.map(({ orchestrator }) => orchestrator))]
  const parts = names.map((name) =>
    createOrchestrator({
      ...present(options),
      name,
      sagas: sagas.filter(({ orchestrator }) => orchestrator === name),
      database: pool,
      schema: database.schema,
      transport,
      topicPrefix: config.topicPrefix,
      logger,
      metrics: probes.metrics,
    }),
  )
  return { parts, probes: probes.serverOf(parts), close: () => pool.end() }
}
