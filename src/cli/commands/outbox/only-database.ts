import { BackstitchError } from '../../../kernel/errors.ts'
import type { Config } from '../../../runtime/config.ts'
import { chooseDatabases, type KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'

/**
 * The database with an outbox that `--database` names, or the only one: a `seq` names a row of one database.
 * @throws `CONFIG_INVALID`
 */
export function onlyDatabase(config: Config, name: string | undefined): KnownDatabase {
  const found = chooseDatabases(config, { names: name === undefined ? undefined : [name], part: 'outbox' })
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `--database: name one of ${found.map((database) => database.name).join(', ')}`,
    )
  return only
}
