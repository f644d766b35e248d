import { allParts } from '../../../migrations/all-migrations.ts'
import type { Part } from '../../../migrations/migration.ts'
import type { Config, DatabaseConfig } from '../config.ts'

const orchestratorParts: readonly Part[] = ['saga', 'timer']
const serviceParts = allParts.filter((part) => !orchestratorParts.includes(part))

/**
 * The parts of a database: those that the configuration lists, else those of a service, `outbox`, `inbox`, `participant` and `audit`, and for the
 * orchestrator’s own database `saga` and `timer` as well. A service’s database without the tables of sagas refuses to start a saga that no
 * orchestrator would drive.
 *
 * @param database one of the configuration, or `undefined` for the only one, which the configuration need not name
 */
export function partsOf(config: Config, database: DatabaseConfig | undefined): readonly Part[] {
  if (database?.parts !== undefined) return database.parts
  if (config.orchestrator === undefined) return serviceParts
  const [only, ...others] = orchestratorCandidates(config)
  return only?.name === database?.name && others.length === 0 ? allParts : serviceParts
}

/**
 * The databases that may be the orchestrator’s: the one it names, else those that list the part `saga`, else those that list no parts.
 * Which of several it is cannot be told.
 */
export function orchestratorCandidates(config: Config): readonly DatabaseConfig[] {
  const { databases, orchestrator } = config
  const name = orchestrator?.database
  if (name !== undefined) return databases.filter((database) => database.name === name)
  const listing = databases.filter(({ parts }) => parts?.includes('saga') === true)
  return listing.length > 0 ? listing : databases.filter(({ parts }) => parts === undefined)
}
