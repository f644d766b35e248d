import { BackstitchError } from '../../../kernel/errors.ts'
import { chooseDatabases, type KnownDatabase } from '../../../runtime/from-config/choose-databases.ts'
import { createTransportFromConfig } from '../../../runtime/from-config/create-transport-from-config.ts'
import { createGroupOperator, type GroupOperator } from '../../../runtime/groups/group-operator.ts'
import type { CommandContext } from '../../command-context.ts'

/** Does work with the groups of a database, once it and Kafka answer. */
export async function withGroupsOf<Result>(
  { config, withPool, waitFor }: CommandContext,
  database: KnownDatabase,
  work: (operator: GroupOperator) => Promise<Result>,
): Promise<Result> {
  const transport = await createTransportFromConfig(config)
  return waitFor('Kafka', (config.kafka.brokers ?? []).join(', '), () =>
    withPool(database, (pool) =>
      work(createGroupOperator({ database: pool, transport, schema: database.schema })),
    ),
  )
}

/** The databases with an inbox, or those that are named. @throws `CONFIG_INVALID` */
export function inboxDatabases(
  { config }: CommandContext,
  names: readonly string[] | undefined,
): readonly KnownDatabase[] {
  return chooseDatabases(config, { names, part: 'inbox' })
}

/** The database with an inbox that is named, or the only one. @throws `CONFIG_INVALID` */
export function onlyInboxDatabase(context: CommandContext, name: string | undefined): KnownDatabase {
  const found = inboxDatabases(context, name === undefined ? undefined : [name])
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `--database: name one of ${found.map((database) => database.name).join(', ')}`,
    )
  return only
}
