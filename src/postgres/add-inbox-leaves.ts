import type { Database } from '../kernel/database.ts'
import { reasonOf } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import { addLeaves, leavesTimeout } from './queries/inbox/add-leaves.ts'
import { quoteSchema } from './schema-name.ts'

/** About five months. */
const leavesAhead = 26

/**
 * Makes the leaves of the inbox for the coming months, as far as they are missing. Every group calls it when it starts, so a system that is
 * deployed now and then has them ahead. It never rejects: without a leaf, rows go into the default partition, and only dropping old rows
 * becomes harder.
 */
export async function addInboxLeaves(database: Database, schemaName: string, logger: Logger): Promise<void> {
  try {
    const made = await database.transaction(async (tx) => {
      await tx.query(leavesTimeout, [])
      const { rows } = await tx.query<{ made: number }>(addLeaves(quoteSchema(schemaName)), [leavesAhead])
      return rows[0]?.made ?? 0
    })
    if (made > 0) logger.info({ leaves: made }, 'made leaves of the inbox ahead')
  } catch (thrown) {
    logger.warn(
      { schema: schemaName, reason: reasonOf(thrown) },
      'the leaves of the inbox could not be made ahead; rows go into its default partition',
    )
  }
}
