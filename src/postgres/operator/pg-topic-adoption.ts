import type { Pool } from 'pg'
import { type Act, checkedAct } from '../../audit/act.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { pgAuditTrail } from '../audit/pg-audit-trail.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { pgDatabase } from '../pg-database.ts'
import { type AdoptionRow, requestAdoption } from '../queries/topics/request-adoption.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'
import { verbTransaction } from './verb-transaction.ts'

/**
 * Notes that a topic is to be written to with this number of partitions. The owner of each shard does it within about ten seconds, with
 * nothing of the topic under way.
 * @returns the numbers of before, by shard
 * @throws `TOPIC_NOT_PINNED` when nothing of this outbox ever went to the topic, `REASON_MISSING`, `ACTOR_MISSING`, `SCHEMA_MISSING`
 */
export async function requestTopicAdoption(
  pool: Pool,
  wish: { readonly topic: string; readonly partitions: number; readonly schema?: string },
  act: Act,
): Promise<readonly AdoptionRow[]> {
  const { topic, partitions, schema: schemaName = defaultSchema } = wish
  const { actor, reason } = checkedAct(act)
  const schema = quoteSchema(schemaName)
  return pgDatabase(pool).transaction(async (tx) => {
    const { rows } = await tx
      .query<AdoptionRow>(requestAdoption(schema), [topic, partitions])
      .catch(explainSqlError(`the outbox of ${schemaName}`))
    if (rows.length === 0) throw new BackstitchError('TOPIC_NOT_PINNED', topic)
    await pgAuditTrail(schemaName).record(tx, {
      actor,
      verb: 'topics adopt',
      target: { kind: 'outbox.topic', id: topic },
      reason,
      before: { partitions: rows[0]?.partitions },
      after: { partitions },
    })
    return rows
  }, verbTransaction)
}
