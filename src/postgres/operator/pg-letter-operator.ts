import type { Pool } from 'pg'
import { type Act, checkedAct } from '../../audit/act.ts'
import type { AuditEntry } from '../../audit/audit-trail.ts'
import { editedLetter, type LetterEdit } from '../../inbox/letters/operator/letter-edit.ts'
import { bytesOf } from '../../inbox/letters/operator/shown-bytes.ts'
import type {
  ChosenLetters,
  EditedLetter,
  LetterBulkOptions,
  LetterFilter,
  LetterOperator,
  LetterSelection,
} from '../../inbox/letters/operator/letter-operator.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import { newId } from '../../kernel/ids.ts'
import type { SqlExecutor, SqlRow } from '../../kernel/sql-executor.ts'
import { type BodyLimits, defaultBodyLimits } from '../../message/limits.ts'
import { pgAuditTrail } from '../audit/pg-audit-trail.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { pgDatabase } from '../pg-database.ts'
import { removeLetters } from '../queries/inbox/remove-letters.ts'
import {
  editLetter,
  lockKeysOfLetters,
  lockLetters,
  lockLettersOfKeys,
  redriveLetters,
} from '../queries/letters/change-letters.ts'
import {
  findLettersOfOrchestrators,
  type LetterRow,
  listLetters,
  listRedrivableLetters,
  showLetter,
  type ShownLetterRow,
  type WholeLetterRow,
} from '../queries/letters/list-letters.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'
import { countedRowsMax } from './pg-outbox-state.ts'
import { letterEntryOf, shownLetterOf, wholeLetterOf } from './shown-letter.ts'
import { verbTransaction } from './verb-transaction.ts'

/** Entries of the audit trail that are shown with a letter. */
const historyMax = 50
const lettersAtOnce = 1_000
const lettersAtOnceMax = 100_000
/** Of many letters, so many are changed by one transaction. */
const lettersPerTransaction = 1_000
const ratePerSecondMax = 1_000_000

/** What distinguishes the acts on many letters. */
type Verb = {
  readonly name: 'dlq redrive' | 'dlq drop'
  choose(
    tx: SqlExecutor,
    selection: LetterSelection,
    afterId: string,
    limit: number,
  ): Promise<readonly LetterRow[]>
  /** @returns the ids of those that nobody handles just now */
  lock(tx: SqlExecutor, ids: readonly string[]): Promise<readonly string[]>
  change(tx: SqlExecutor, ids: readonly string[], doneBefore: number): Promise<void>
  after(doneBefore: number): AuditEntry['after']
}

/**
 * {@link LetterOperator} over the tables of a database.
 * @param options.limits of bodies that an edit brings
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 */
export function pgLetterOperator(
  pool: Pool,
  options: { readonly schema?: string; readonly limits?: BodyLimits } = {},
): LetterOperator {
  const { schema: schemaName = defaultSchema, limits = defaultBodyLimits } = options
  const schema = quoteSchema(schemaName)
  const database = pgDatabase(pool)
  const audit = pgAuditTrail(schemaName)
  const run = <Row extends SqlRow>(
    tx: SqlExecutor,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> =>
    tx.query<Row>(text, values).then(({ rows }) => rows, explainSqlError(`${schemaName}.dead_letter`))
  const idsOf = (rows: readonly { readonly id: string }[]): readonly string[] => rows.map(({ id }) => id)

  const assertHandedOver = async (tx: SqlExecutor, ids: readonly string[]): Promise<void> => {
    const [found] = await run<{ id: string }>(tx, findLettersOfOrchestrators(schema), [ids])
    if (found)
      throw refused(
        found.id,
        'it is the letter of an orchestrator, which hands none over again; help the saga with `backstitch saga`, then drop it',
      )
  }

  const redriving = (ratePerSecond: number | undefined): Verb => {
    if (ratePerSecond !== undefined && !(ratePerSecond > 0 && ratePerSecond <= ratePerSecondMax))
      throw new BackstitchError('CONFIG_INVALID', `rate: ${ratePerSecond} is no number of letters a second`)
    const apartMs = ratePerSecond === undefined ? 0 : 1_000 / ratePerSecond
    return {
      name: 'dlq redrive',
      choose: async (tx, selection, afterId, limit) => {
        if (!('ids' in selection)) {
          const values = [...valuesOf(selection), afterId, limit, ratePerSecond !== undefined]
          return run<LetterRow>(tx, listRedrivableLetters(schema), values)
        }
        const rows = await run<LetterRow>(tx, listLetters(schema, 'entry'), [
          ...valuesOf(selection),
          afterId,
          limit,
        ])
        await assertHandedOver(tx, idsOf(rows))
        const reused = rows.find(({ reason_code: code }) => code === 'MESSAGE_ID_REUSED')
        if (reused)
          throw refused(
            reused.id,
            'its id is that of another message; edit it, which gives it one of its own, or drop it',
          )
        return rows
      },
      lock: async (tx, ids) => idsOf(await run<{ id: string }>(tx, lockLetters(schema), [ids])),
      change: async (tx, ids, doneBefore) => {
        await run(tx, redriveLetters(schema), [ids, doneBefore * apartMs, apartMs])
      },
      after: () => ({ state: 'retrying', ...(ratePerSecond !== undefined && { ratePerSecond }) }),
    }
  }

  const dropping: Verb = {
    name: 'dlq drop',
    choose: async (tx, selection, afterId, limit) =>
      run<LetterRow>(tx, listLetters(schema, 'entry'), [...valuesOf(selection), afterId, limit]),
    lock: async (tx, ids) => {
      const keys = await run<{ consumer_group: string; topic: string; key_hash: Buffer }>(
        tx,
        lockKeysOfLetters(schema),
        [ids],
      )
      const locked = await run<{ id: string }>(tx, lockLettersOfKeys(schema), [
        ids,
        keys.map((key) => key.consumer_group),
        keys.map((key) => key.topic),
        keys.map((key) => key.key_hash),
      ])
      return idsOf(locked)
    },
    change: async (tx, ids) => {
      await run(tx, removeLetters(schema), [ids])
    },
    after: () => undefined,
  }

  const act = async (
    verb: Verb,
    selection: LetterSelection,
    by: Act,
    { limit = lettersAtOnce, dryRun = false }: LetterBulkOptions = {},
  ): Promise<ChosenLetters> => {
    assertLimit(limit)
    assertIds(selection)
    const { actor, reason } = checkedAct(by)
    const done: LetterRow[] = []
    const busy: string[] = []
    let seen = 0
    let afterId = '0'
    for (;;) {
      const rowsMax = Math.min(limit - seen, lettersPerTransaction)
      const part = await database.transaction(async (tx) => {
        const found = await verb.choose(tx, selection, afterId, rowsMax + 1)
        const chosen = found.slice(0, rowsMax)
        const free = dryRun ? idsOf(chosen) : await verb.lock(tx, idsOf(chosen))
        const isFree = new Set(free)
        const changed = chosen.filter(({ id }) => isFree.has(id))
        if (!dryRun && free.length > 0) {
          await verb.change(tx, free, done.length)
          await audit.record(
            tx,
            ...changed.map((row) => ({
              actor,
              verb: verb.name,
              target: { kind: 'inbox.letter', id: row.id },
              reason,
              before: beforeOf(row),
              after: verb.after(done.length),
            })),
          )
        }
        return { chosen, changed, isFree, more: found.length > rowsMax }
      }, verbTransaction)
      done.push(...part.changed)
      busy.push(...idsOf(part.chosen).filter((id) => !part.isFree.has(id)))
      seen += part.chosen.length
      const last = part.chosen.at(-1)
      if (last === undefined || !part.more || seen >= limit) {
        if (seen === 0) throw new BackstitchError('LETTER_NOT_FOUND', placeOf(selection))
        if (done.length === 0)
          throw refused(busy.join(', '), 'a member of the group handles it just now; look again in a moment')
        return {
          ids: idsOf(done),
          behindOthers: done.filter(({ is_head: isHead }) => !isHead).length,
          busy,
          more: part.more,
        }
      }
      afterId = last.id
    }
  }

  const edit = async (
    id: string,
    change: LetterEdit,
    by: Act,
    { dryRun = false }: { readonly dryRun?: boolean } = {},
  ): Promise<EditedLetter> => {
    assertIds({ ids: [id] })
    const { actor, reason } = checkedAct(by)
    return database.transaction(async (tx) => {
      const locked = await run<{ id: string }>(tx, lockLetters(schema), [[id]])
      const [row] = await run<ShownLetterRow>(tx, showLetter(schema), [id, 1])
      if (!row) throw new BackstitchError('LETTER_NOT_FOUND', id)
      if (locked.length === 0)
        throw refused(id, 'a member of the group handles it just now; look again in a moment')
      await assertHandedOver(tx, [id])
      const { messageId, headers, body } = wholeLetterOf(row)
      const before = { messageId, headers, body }
      const after = editedLetter(before, change, newId(), limits)
      if (dryRun) return { id, before, after }
      const type = after.headers.findLast(({ name }) => name === 'type')?.text ?? row.type
      const values = [id, after.messageId, JSON.stringify(after.headers), bytesOf(after.body), type]
      await run(tx, editLetter(schema), values)
      const target = { kind: 'inbox.letter', id }
      await audit.record(tx, { actor, verb: 'dlq edit', target, reason, before, after })
      return { id, before, after }
    }, verbTransaction)
  }

  const page = async <Row extends SqlRow>(
    columns: 'entry' | 'whole',
    filter: LetterFilter & { readonly afterId?: string; readonly limit?: number },
  ): Promise<readonly Row[]> => {
    const { afterId = '0', limit = 100 } = filter
    assertIds({ ids: [afterId] })
    assertLimit(limit)
    const values = [...valuesOf({ filter }), afterId, limit]
    return database.transaction((tx) => run<Row>(tx, listLetters(schema, columns), values))
  }

  return {
    list: async (filter = {}) => (await page<LetterRow>('entry', filter)).map(letterEntryOf),
    export: async (filter = {}) => (await page<WholeLetterRow>('whole', filter)).map(wholeLetterOf),
    show: async (id) => {
      assertIds({ ids: [id] })
      return database.transaction(async (tx) => {
        const [row] = await run<ShownLetterRow>(tx, showLetter(schema), [id, countedRowsMax + 1])
        if (!row) throw new BackstitchError('LETTER_NOT_FOUND', id)
        const targets = [{ kind: 'inbox.letter', id }]
        return shownLetterOf(row, await audit.read(tx, { targets, limit: historyMax }))
      })
    },
    redrive: async (selection, by, { ratePerSecond, ...bulk } = {}) =>
      act(redriving(ratePerSecond), selection, by, bulk),
    drop: async (selection, by, bulk) => act(dropping, selection, by, bulk),
    edit,
  }
}

function valuesOf(selection: LetterSelection): readonly unknown[] {
  const filter: LetterFilter = 'filter' in selection ? selection.filter : {}
  const { group, topic, type, key, code, state, deadForMs } = filter
  return [
    group ?? null,
    topic ?? null,
    type ?? null,
    key === undefined ? null : Buffer.from(key),
    code ?? null,
    state ?? null,
    deadForMs ?? null,
    'ids' in selection ? selection.ids : null,
  ]
}

/** What of a letter stays in the audit trail: not its body, which may have to be forgotten. */
function beforeOf(row: LetterRow): AuditEntry['before'] {
  const { group, topic, partition, offset, messageId, type, code, state } = letterEntryOf(row)
  return { group, topic, partition, offset, messageId, type, code, state }
}

function assertLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > lettersAtOnceMax)
    throw new BackstitchError('CONFIG_INVALID', `limit: 1 to ${lettersAtOnceMax.toLocaleString('en')}`)
}

function assertIds(selection: LetterSelection): void {
  if ('filter' in selection && Object.values(selection.filter).every((value) => value === undefined))
    throw new BackstitchError('CONFIG_INVALID', 'filter: it is empty; name all letters as such')
  if (!('ids' in selection)) return
  for (const id of selection.ids)
    if (!/^\d{1,18}$/.test(id))
      throw new BackstitchError('CONFIG_INVALID', `"${id}" is no id of a dead letter`)
}

function refused(ids: string, why: string): BackstitchError {
  return new BackstitchError('LETTER_STATE_REFUSES', `${ids}: ${why}`)
}

function placeOf(selection: LetterSelection): string {
  if ('ids' in selection) return selection.ids.join(', ')
  return 'filter' in selection ? JSON.stringify(selection.filter) : 'Nothing that could be'
}
