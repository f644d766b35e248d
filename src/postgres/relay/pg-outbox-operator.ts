import type { Pool } from 'pg'
import { type Act, checkedAct } from '../../audit/act.ts'
import type { AuditTarget } from '../../audit/audit-trail.ts'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type {
  OutboxOperator,
  QuarantineEntry,
  QuarantineSelection,
} from '../../relay/quarantine/outbox-operator.ts'
import { pgAuditTrail } from '../audit/pg-audit-trail.ts'
import { pgDatabase } from '../pg-database.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { listQuarantine, type QuarantineListRow } from '../queries/quarantine/list-quarantine.ts'
import { requestIntent } from '../queries/quarantine/request-intent.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'

/** {@link OutboxOperator} over the quarantine of a database. @throws `CONFIG_INVALID` when the schema’s name is unusable */
export function pgOutboxOperator(pool: Pool, schemaName: string = defaultSchema): OutboxOperator {
  const schema = quoteSchema(schemaName)
  const database = pgDatabase(pool)
  const audit = pgAuditTrail(schemaName)
  const explain = explainSqlError(`${schemaName}.outbox_quarantine`)

  const request = async (
    verb: 'retry' | 'skip',
    selection: QuarantineSelection,
    act: Act,
  ): Promise<readonly string[]> => {
    const { actor, reason } = checkedAct(act)
    const values = [
      verb,
      actor.id,
      reason,
      'seqs' in selection ? selection.seqs : null,
      'topic' in selection ? selection.topic : null,
      'topic' in selection ? (selection.key ?? null) : null,
      'all' in selection,
    ]
    return database.transaction(async (tx) => {
      const { rows } = await tx.query<{ seq: string }>(requestIntent(schema), values).catch(explain)
      if (rows.length === 0) throw new BackstitchError('ROW_NOT_FOUND', placeOf(selection))
      const seqs = rows.map(({ seq }) => seq)
      const entries = targetsOf(selection, seqs).map((target) => ({
        actor,
        verb: `outbox ${verb}`,
        target,
        reason,
        after: { intent: verb, rows: target.kind === 'outbox.row' ? 1 : seqs.length },
      }))
      await audit.record(tx, ...entries)
      return seqs
    })
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

/** What an act is about: each row that was named, or the key, the topic or the outbox that they were named by. */
function targetsOf(selection: QuarantineSelection, seqs: readonly string[]): readonly AuditTarget[] {
  if ('seqs' in selection) return seqs.map((id) => ({ kind: 'outbox.row', id }))
  if ('all' in selection) return [{ kind: 'outbox', id: 'quarantine' }]
  const { topic, key } = selection
  return key === undefined
    ? [{ kind: 'outbox.topic', id: topic }]
    : [{ kind: 'outbox.key', id: `${topic}/${key}` }]
}

function placeOf(selection: QuarantineSelection): string {
  if ('seqs' in selection) return `seq ${selection.seqs.join(', ')}`
  if ('topic' in selection)
    return `${selection.topic}${selection.key === undefined ? '' : `, key ${selection.key}`}`
  return 'It is empty'
}
