import type { Part } from '../../migrations/migration.ts'
import { BackstitchError } from '../kernel/errors.ts'
import type { Config } from '../runtime/config.ts'
import { chooseDatabases, type KnownDatabase } from '../runtime/from-config/choose-databases.ts'

/**
 * The database with a part that `--database` names, or the only one: a `seq`, or the id of a letter, names a row of one database.
 * @throws `CONFIG_INVALID`
 */
export function onlyDatabase(config: Config, name: string | undefined, part: Part = 'outbox'): KnownDatabase {
  const found = chooseDatabases(config, { names: name === undefined ? undefined : [name], part })
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `--database: name one of ${found.map((database) => database.name).join(', ')}`,
    )
  return only
}
