import type { Pool } from 'pg'
import { type Act, checkedAct } from '../../audit/act.ts'
import type { AuditTarget } from '../../audit/audit-trail.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { SqlExecutor, SqlRow } from '../../kernel/sql-executor.ts'
import { type BodyLimits, defaultBodyLimits } from '../../message/limits.ts'
import type {
  BulkOptions,
  EditedRow,
  OutboxOperator,
  QuarantineSelection,
  RequestedRows,
} from '../../relay/operator/outbox-operator.ts'
import { editedContent, type RowEdit } from '../../relay/operator/row-edit.ts'
import { pgAuditTrail } from '../audit/pg-audit-trail.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { pgDatabase } from '../pg-database.ts'
import { type ChosenRow, chooseRows } from '../queries/quarantine/choose-rows.ts'
import { type EditableRow, editRow, findEditableRow } from '../queries/quarantine/edit-row.ts'
import { listQuarantine, type QuarantineListRow } from '../queries/quarantine/list-quarantine.ts'
import { lockVerbs, requestIntent } from '../queries/quarantine/request-intent.ts'
import { showRow, type ShownRow } from '../queries/quarantine/show-row.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'
import { pgReplayOperator } from './pg-replay-operator.ts'
import { verbTransaction } from './verb-transaction.ts'
import { countedRowsMax, readOutboxState } from './pg-outbox-state.ts'
import { entryOf, messageOf, withoutBreaks } from './quarantined-message.ts'

/** Entries of the audit trail that are shown with a row. */
const historyMax = 50
const rowsAtOnce = 1_000
const rowsAtOnceMax = 100_000
/** Of many rows, so many are noted by one transaction: a relay that stands behind its locks waits for moments only. */
const rowsPerTransaction = 1_000

/**
 * {@link OutboxOperator} over the tables of a database.
 * @param options.limits of bodies that an edit brings
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 */
export function pgOutboxOperator(
  pool: Pool,
  options: { readonly schema?: string; readonly limits?: BodyLimits } = {},
): OutboxOperator {
  const { schema: schemaName = defaultSchema, limits = defaultBodyLimits } = options
  const schema = quoteSchema(schemaName)
  const database = pgDatabase(pool)
  const audit = pgAuditTrail(schemaName)
  const run = <Row extends SqlRow>(
    tx: SqlExecutor,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> =>
    tx.query<Row>(text, values).then(({ rows }) => rows, explainSqlError(`the outbox of ${schemaName}`))

  const request = async (
    verb: 'retry' | 'skip',
    selection: QuarantineSelection,
    act: Act,
    { limit = rowsAtOnce, dryRun = false }: BulkOptions = {},
  ): Promise<RequestedRows> => {
    assertLimit(limit)
    const seqs: string[] = []
    let afterSeq = '-1'
    for (;;) {
      const left = limit - seqs.length
      const rowsMax = 'seqs' in selection ? left : Math.min(left, rowsPerTransaction)
      const part = await requestPart(verb, selection, act, { limit: rowsMax, dryRun, afterSeq })
      seqs.push(...part.seqs)
      if (part.last === undefined || !part.more || seqs.length >= limit || 'seqs' in selection) {
        if (seqs.length === 0) throw new BackstitchError('ROW_NOT_FOUND', placeOf(selection))
        return { seqs, more: part.more }
      }
      afterSeq = part.last
    }
  }

  /** A wish for the first rows behind a `seq`. */
  const requestPart = async (
    verb: 'retry' | 'skip',
    selection: QuarantineSelection,
    act: Act,
    { limit, dryRun, afterSeq }: Required<BulkOptions> & { readonly afterSeq: string },
  ): Promise<RequestedRows & { readonly last?: string }> => {
    const { actor, reason } = checkedAct(act)
    return database.transaction(async (tx) => {
      await run(tx, lockVerbs, [schema])
      const found = await run<ChosenRow>(tx, chooseRows(schema), [
        'seqs' in selection ? selection.seqs : null,
        'topic' in selection ? selection.topic : null,
        'topic' in selection ? (selection.key ?? null) : null,
        verb === 'retry' && !('seqs' in selection),
        limit + 1,
        afterSeq,
      ])
      const waiting = found.find(({ waits }) => waits)
      if (verb === 'retry' && waiting)
        throw new BackstitchError(
          'ROW_STATE_REFUSES',
          `row ${waiting.seq} waits until its topic can be written to, and is published by itself then`,
        )
      const chosen = found.slice(0, limit).map(({ seq }) => seq)
      const more = found.length > limit
      const last = chosen.at(-1)
      if (last === undefined) return { seqs: [], more: false }
      if (dryRun) return { seqs: chosen, more, last }
      const noted = await run<{ seq: string }>(tx, requestIntent(schema), [verb, actor.id, reason, chosen])
      // a relay may have let them go meanwhile
      if (noted.length === 0) return { seqs: [], more, last }
      const seqs = noted.map(({ seq }) => seq)
      const after = {
        intent: verb,
        ...(!('seqs' in selection) && { rows: seqs.length, first: seqs[0], last: seqs.at(-1) }),
      }
      await audit.record(
        tx,
        ...targetsOf(selection, seqs).map((target) => ({
          actor,
          verb: `outbox ${verb}`,
          target,
          reason,
          after,
        })),
      )
      return { seqs, more, last }
    }, verbTransaction)
  }

  const edit = async (
    seq: string,
    change: RowEdit,
    act: Act,
    { dryRun = false }: Pick<BulkOptions, 'dryRun'> = {},
  ): Promise<EditedRow> => {
    const { actor, reason } = checkedAct(act)
    return database.transaction(async (tx) => {
      await run(tx, lockVerbs, [schema])
      const [row] = await run<EditableRow>(tx, findEditableRow(schema), [seq])
      if (!row) throw new BackstitchError('ROW_NOT_FOUND', `seq ${seq}`)
      assertEditable(seq, row)
      const before = {
        id: row.id,
        causationId: row.causation_id,
        payload: row.payload,
        payloadBase64: row.payload_base64 === null ? null : withoutBreaks(row.payload_base64),
        headers: row.headers === null ? null : (JSON.parse(row.headers) as Record<string, unknown>),
      }
      const after = editedContent({ ...before, contentType: row.content_type }, change, newId(), limits)
      if (dryRun) return { seq, before, after }
      await run(tx, editRow(schema), [
        seq,
        after.id,
        after.causationId,
        after.payload,
        after.payloadBase64,
        after.headers === null ? null : JSON.stringify(after.headers),
        actor.id,
        reason,
      ])
      const target = { kind: 'outbox.row', id: seq }
      await audit.record(tx, { actor, verb: 'outbox edit', target, reason, before, after })
      return { seq, before, after }
    }, verbTransaction)
  }

  return {
    ...pgReplayOperator(database, schemaName),
    status: () =>
      database.transaction((tx) =>
        readOutboxState(tx, schema).catch(explainSqlError(`the outbox of ${schemaName}`)),
      ),
    list: ({ topic, key, code, parkedForMs, afterSeq = '-1', limit = 100 } = {}) =>
      database.transaction(async (tx) => {
        const values = [topic ?? null, key ?? null, afterSeq, limit, code ?? null, parkedForMs ?? null]
        return (await run<QuarantineListRow>(tx, listQuarantine(schema), values)).map(entryOf)
      }),
    show: (seq) =>
      database.transaction(async (tx) => {
        const [row] = await run<ShownRow>(tx, showRow(schema), [seq, countedRowsMax + 1])
        if (!row) throw new BackstitchError('ROW_NOT_FOUND', `seq ${seq}`)
        const targets = [
          { kind: 'outbox.row', id: seq },
          { kind: 'outbox.key', id: `${row.topic}/${row.key}` },
          { kind: 'outbox.topic', id: row.topic },
          wholeOutbox,
        ]
        return messageOf(row, await audit.read(tx, { targets, limit: historyMax }))
      }),
    retry: (selection, act, bulk) => request('retry', selection, act, bulk),
    skip: (selection, act, bulk) => request('skip', selection, act, bulk),
    edit,
  }
}

const wholeOutbox: AuditTarget = { kind: 'outbox', id: 'quarantine' }

/**
 * Only wishes bring a key under way while one of its rows is refused, and the verbs follow one another: what is true here stays true until
 * this transaction ends.
 */
function assertEditable(seq: string, row: EditableRow): void {
  const why = row.waits
    ? 'it waits until its topic can be written to, which is not a matter of what is in it'
    : row.has_intent
      ? 'a wish of an operator is open for its key; the relay carries it out first'
      : row.has_refused
        ? undefined
        : 'its key is being published'
  if (why !== undefined) throw new BackstitchError('ROW_STATE_REFUSES', `row ${seq}: ${why}`)
}

function assertLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > rowsAtOnceMax)
    throw new BackstitchError('CONFIG_INVALID', `limit: 1 to ${rowsAtOnceMax.toLocaleString('en')}`)
}

/** What an act is about: each row that was named, or the key, the topic or the outbox that they were named by. */
function targetsOf(selection: QuarantineSelection, seqs: readonly string[]): readonly AuditTarget[] {
  if ('seqs' in selection) return seqs.map((id) => ({ kind: 'outbox.row', id }))
  if ('all' in selection) return [wholeOutbox]
  const { topic, key } = selection
  return key === undefined
    ? [{ kind: 'outbox.topic', id: topic }]
    : [{ kind: 'outbox.key', id: `${topic}/${key}` }]
}

function placeOf(selection: QuarantineSelection): string {
  if ('seqs' in selection) return `seq ${selection.seqs.join(', ')}`
  if ('topic' in selection)
    return `${selection.topic}${selection.key === undefined ? '' : `, key ${selection.key}`}`
  return 'Nothing that could be'
}
