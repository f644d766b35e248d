import type { Pool } from 'pg'
import { pgOutboxAdministrator } from '../postgres/relay/pg-outbox-administrator.ts'
import type { OutboxAdministrator } from '../relay/ownership/outbox-administrator.ts'

/**
 * Makes what takes over the outbox of a restored database, and changes the number of an outbox’s shards.
 *
 * @param options.schema where the tables are. Default `backstitch`
 * @param options.name of the database, for messages and the audit trail. Default: the schema
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 * @example
 * const administrator = createOutboxAdministrator({ database: pool })
 * const act = { actor: 'ann', reason: 'restored from the dump of 08:00' }
 * console.log(await administrator.adopt(act, { dryRun: true }))
 */
export function createOutboxAdministrator(options: {
  readonly database: Pool
  readonly schema?: string
  readonly name?: string
}): OutboxAdministrator {
  return pgOutboxAdministrator(options.database, options.schema, options.name)
}
