import type { AuditEntry, AuditTrail, RecordedAuditEntry } from '../../audit/audit-trail.ts'
import type { Principal } from '../../kernel/principal.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { type AuditEntryRow, insertAuditEntries } from '../queries/audit/insert-audit-entries.ts'
import {
  type AuditEntryRecord,
  readAuditEntries,
  readAuditEntriesOf,
} from '../queries/audit/read-audit-entries.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'

/**
 * The audit trail in the table `audit_entry` of a schema.
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 * @example
 * await database.transaction(async (tx) => {
 *   await tx.query('update ...')
 *   await trail.record(tx, { actor, verb: 'outbox adopt', target: { kind: 'outbox', id: 'orders' }, reason })
 * })
 */
export function pgAuditTrail(schemaName: string = defaultSchema): AuditTrail {
  const schema = quoteSchema(schemaName)
  const insert = insertAuditEntries(schema)
  const readAll = readAuditEntries(schema)
  const readOf = readAuditEntriesOf(schema)
  const run = <Row extends Record<string, unknown>>(
    tx: SqlExecutor,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> =>
    tx.query<Row>(text, values).then(({ rows }) => rows, explainSqlError(`${schemaName}.audit_entry`))

  return {
    record: async (tx, ...entries) => {
      if (entries.length > 0) await run(tx, insert, [JSON.stringify(entries.map(rowOf))])
    },
    read: async (tx, { targets, beforeSeq = null, limit }) => {
      const page = [beforeSeq, limit]
      const rows =
        targets === undefined
          ? await run<AuditEntryRecord>(tx, readAll, page)
          : await run<AuditEntryRecord>(tx, readOf, [
              ...page,
              targets.map(({ kind }) => kind),
              targets.map(({ id }) => id),
            ])
      return rows.map(entryOf)
    },
  }
}

function rowOf({ actor, verb, target, reason, before, after }: AuditEntry): AuditEntryRow {
  return {
    actor_kind: actor.kind,
    actor_id: actor.id,
    verb,
    target_kind: target.kind,
    target_id: target.id,
    reason,
    before,
    after,
  }
}

function entryOf(row: AuditEntryRecord): RecordedAuditEntry {
  const { seq, at, verb, reason, before, after } = row
  return {
    seq,
    at,
    actor: { kind: row.actor_kind as Principal['kind'], id: row.actor_id },
    verb,
    target: { kind: row.target_kind, id: row.target_id },
    reason,
    ...(before !== null && { before: JSON.parse(before) as unknown }),
    ...(after !== null && { after: JSON.parse(after) as unknown }),
  }
}
