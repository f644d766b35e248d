import type { Pool } from 'pg'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type {
  OutboxAct,
  OutboxOperator,
  QuarantineEntry,
  QuarantineSelection,
} from '../../relay/quarantine/outbox-operator.ts'
import { pgDatabase } from '../pg-database.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { listQuarantine, type QuarantineListRow } from '../queries/quarantine/list-quarantine.ts'
import { requestIntent } from '../queries/quarantine/request-intent.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'

/** {@link OutboxOperator} over the quarantine of a database. @throws `CONFIG_INVALID` when the schema’s name is unusable */
export function pgOutboxOperator(pool: Pool, schemaName: string = defaultSchema): OutboxOperator {
  const schema = quoteSchema(schemaName)
  const database = pgDatabase(pool)
  const explain = explainSqlError(`${schemaName}.outbox_quarantine`)

  const request = async (
    verb: 'retry' | 'skip',
    selection: QuarantineSelection,
    { actor, reason }: OutboxAct,
  ): Promise<readonly string[]> => {
    const values = [
      verb,
      actor,
      reason,
      'seqs' in selection ? selection.seqs : null,
      'topic' in selection ? selection.topic : null,
      'topic' in selection ? (selection.key ?? null) : null,
      'all' in selection,
    ]
    const rows = await database.transaction(async (tx) => {
      const { rows } = await tx.query<{ seq: string }>(requestIntent(schema), values).catch(explain)
      return rows
    })
    if (rows.length === 0) throw new BackstitchError('ROW_NOT_FOUND', placeOf(selection))
    return rows.map(({ seq }) => seq)
  }

  return {
    list: async ({ topic, key, afterSeq = '-1', limit = 100 } = {}) =>
      database.transaction(async (tx) => {
        const { rows } = await tx
          .query<QuarantineListRow>(listQuarantine(schema), [topic ?? null, key ?? null, afterSeq, limit])
          .catch(explain)
        return rows.map(entryOf)
      }),
    retry: (selection, act) => request('retry', selection, act),
    skip: (selection, act) => request('skip', selection, act),
  }
}

function entryOf(row: QuarantineListRow): QuarantineEntry {
  const { intent, intent_by, intent_reason, intent_at, ...entry } = row
  return {
    ...entry,
    code: entry.code as ErrorCode,
    ...(intent !== null && {
      intent: {
        verb: intent,
        actor: intent_by ?? '',
        reason: intent_reason ?? '',
        at: intent_at ?? new Date(0),
      },
    }),
  }
}

function placeOf(selection: QuarantineSelection): string {
  if ('seqs' in selection) return `seq ${selection.seqs.join(', ')}`
  if ('topic' in selection)
    return `${selection.topic}${selection.key === undefined ? '' : `, key ${selection.key}`}`
  return 'It is empty'
}
