import type { Part } from '../../../migrations/migration.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { Config, DatabaseConfig } from '../config.ts'
import { urlVariable } from '../config/merge-environment.ts'
import { orchestratorCandidates, partsOf } from './parts-of.ts'

/** A database whose address is known. */
export type KnownDatabase = DatabaseConfig & { readonly url: string }

/** Which databases of a configuration. */
export type DatabaseChoice = { readonly names?: readonly string[] | undefined; readonly part?: Part }

/**
 * The databases a command works on, with their addresses; see {@link selectDatabases}.
 * @throws `CONFIG_INVALID` as well when an address is missing
 */
export function chooseDatabases(config: Config, choice: DatabaseChoice): readonly KnownDatabase[] {
  return selectDatabases(config, choice).map(withUrl)
}

/**
 * The databases that are named, else all that have the part; see {@link partsOf} for one that lists none.
 *
 * @throws `CONFIG_INVALID` when a name is unknown or none is left; `CONFIG_NOT_FOUND` when there is neither a file nor a `DATABASE_URL`
 */
export function selectDatabases(config: Config, { names, part }: DatabaseChoice): readonly DatabaseConfig[] {
  if (config.databases.length === 0 && config.file === undefined)
    throw new BackstitchError('CONFIG_NOT_FOUND', 'Nor is DATABASE_URL set')
  const unknown = names?.find((name) => !config.databases.some((database) => database.name === name))
  if (unknown !== undefined)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `databases: there is no "${unknown}" among ${listed(config.databases)}`,
    )
  const chosen = config.databases.filter(
    (database) =>
      (names?.includes(database.name) ?? true) &&
      (part === undefined || partsOf(config, database).includes(part)),
  )
  if (chosen.length === 0)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `databases: none ${part === undefined ? 'is given' : `has the part "${part}"`}`,
    )
  return chosen
}

/**
 * The database of the orchestrator: the one it names, else the only one that lists the part `saga`, else the only one that lists no parts.
 * @throws `CONFIG_INVALID`, `CONFIG_NOT_FOUND`
 */
export function chooseOrchestratorDatabase(config: Config): KnownDatabase {
  const name = config.orchestrator?.database
  if (name !== undefined || config.databases.length === 0) {
    const [named] = selectDatabases(config, { names: name === undefined ? undefined : [name], part: 'saga' })
    if (named !== undefined) return withUrl(named)
  }
  const found = orchestratorCandidates(config)
  const [only] = found
  if (only === undefined) throw new BackstitchError('CONFIG_INVALID', 'databases: none has the part "saga"')
  if (found.length > 1)
    throw new BackstitchError('CONFIG_INVALID', `orchestrator.database: name one of ${listed(found)}`)
  return withUrl(only)
}

function withUrl(database: DatabaseConfig): KnownDatabase {
  const { name, url } = database
  if (url === undefined)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `databases: "${name}" has no url: set ${urlVariable(name)}, or DATABASE_URL where it is the only one`,
    )
  return { ...database, url }
}

function listed(databases: readonly DatabaseConfig[]): string {
  return databases.length === 0 ? 'none' : databases.map(({ name }) => name).join(', ')
}
