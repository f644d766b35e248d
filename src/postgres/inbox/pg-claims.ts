import type { ClaimOptions, ClaimOutcome, InboxEntry, InboxStore } from '../../inbox/inbox-store.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { SqlExecutor, SqlRow } from '../../kernel/sql-executor.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { type NamedStatement, namedStatement, runNamed } from '../named-statement.ts'
import { claimMessage, claimMessageInLine, standInLine } from '../queries/inbox/claim-message.ts'
import {
  claimMessages,
  claimMessagesOfFreeKeys,
  findClaims,
  type FoundClaimRow,
} from '../queries/inbox/claim-messages.ts'
import { quoteSchema } from '../schema-name.ts'

/** What the last claims of a group met. It only decides which statement comes first: the outcome is the same. */
type Hints = {
  /** The last messages were duplicates, so the next may be. */
  looksFirst: boolean
  /** Messages before it is tried again whether no key of the group is held. */
  keyedLeft: number
}

/** Entries of one source, whose outcomes are still open. */
type Open = { readonly entry: InboxEntry; readonly at: number }

const keyedMessages = 1_000

/**
 * Makes {@link InboxStore.claim}. Fresh messages cost one statement. So do duplicates in a row; others cost a second one, and so do messages
 * of a group some of whose keys are held.
 */
export function pgClaims(schemaName: string, nameInInbox: (group: string) => string): InboxStore['claim'] {
  const schema = quoteSchema(schemaName)
  const statements = {
    one: inBoth((order) => namedStatement('claim', claimMessage(schema, order))),
    inLine: inBoth((order) => namedStatement('claim in line', claimMessageInLine(schema, order))),
    many: inBoth((order) => namedStatement('claim many', claimMessages(schema, order))),
    ofFreeKeys: namedStatement('claim of free keys', claimMessagesOfFreeKeys(schema)),
    find: namedStatement('find claims', findClaims(schema)),
    line: namedStatement('line', standInLine()),
  }
  const explain = explainSqlError(`${schemaName}.inbox`)
  const hints = new Map<string, Hints>()
  const run = async <Row extends SqlRow>(
    tx: SqlExecutor,
    statement: NamedStatement,
    values: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }> => runNamed<Row>(tx, statement, values).catch(explain)

  /** The places, among these, of the messages that were claimed now. */
  const insert = async (
    tx: SqlExecutor,
    group: string,
    open: readonly Open[],
    { order, lockOn }: ClaimOptions,
    keyed: boolean,
  ): Promise<ReadonlySet<number>> => {
    const [first] = open
    if (open.length === 1 && first && !keyed) {
      const { source, id, fingerprint } = first.entry
      const values = [nameInInbox(group), source, id, String(fingerprint)]
      if (lockOn !== undefined) values.push(lockOn)
      if (order === 'key') values.push(group)
      const { rowCount } = await run(
        tx,
        (lockOn === undefined ? statements.one : statements.inLine)[order],
        values,
      )
      return new Set(rowCount === 1 ? [first.at] : [])
    }
    if (lockOn !== undefined) await run(tx, statements.line, [lockOn])
    const values = columnsOf(nameInInbox(group), open)
    if (keyed) values.push(keysOf(open))
    if (order === 'key') values.push(group)
    const { rows } = await run<{ id: string }>(
      tx,
      keyed ? statements.ofFreeKeys : statements.many[order],
      values,
    )
    if (rows.length === open.length) return new Set(open.map(({ at }) => at))
    const claimed = new Set(rows.map(({ id }) => id))
    // Of two with one id the first was claimed.
    return new Set(open.flatMap(({ entry, at }) => (claimed.delete(entry.id.toLowerCase()) ? [at] : [])))
  }

  /** What there is to say of messages, by their places; of the others, that they are duplicates. */
  const find = async (
    tx: SqlExecutor,
    group: string,
    open: readonly Open[],
    withKeys: boolean,
  ): Promise<ReadonlyMap<number, FoundClaimRow>> => {
    const values = [...columnsOf(nameInInbox(group), open), withKeys ? keysOf(open) : '{}', group]
    const { rows } = await run<FoundClaimRow>(tx, statements.find, values)
    return new Map(rows.map((row) => [open[row.n]?.at ?? -1, row]))
  }

  const claimOfSource = async (
    tx: SqlExecutor,
    group: string,
    all: readonly Open[],
    options: ClaimOptions,
    outcomes: ClaimOutcome[],
  ): Promise<void> => {
    const hint = hintOf(hints, group)
    let open = all
    if (hint.looksFirst) {
      const said = await find(tx, group, open, false)
      open = settled(open, outcomes, ({ at }) => outcomeOf(said.get(at)))
      if (open.length === 0) return
      hint.looksFirst = open.length * 2 < all.length
    }
    for (;;) {
      const keyed = options.order === 'key' && hint.keyedLeft > 0
      const fresh = await insert(tx, group, open, options, keyed)
      if (keyed) hint.keyedLeft -= open.length
      const tried = open
      open = settled(open, outcomes, ({ at }) => (fresh.has(at) ? 'fresh' : undefined))
      if (open.length === 0) return
      hint.looksFirst ||= fresh.size === 0
      // While this waited for another transaction, that one may have held the key of what is claimed here already.
      const some = fresh.size > 0
      const said = await find(tx, group, some ? tried : open, keyed || (some && options.order === 'key'))
      for (const at of fresh) if (said.get(at)?.held) throw cameBetween(group)
      open = settled(open, outcomes, ({ at }) => outcomeOf(said.get(at), keyed))
      if (open.length === 0) return
      if (options.order === 'none' || keyed || some) throw cameBetween(group)
      hint.looksFirst = false
      hint.keyedLeft = keyedMessages
    }
  }

  return async (tx, group, entries, options) => {
    const outcomes = entries.map((): ClaimOutcome => 'duplicate')
    const bySource = Map.groupBy(
      entries.map((entry, at) => ({ entry, at })),
      ({ entry }) => entry.source,
    )
    for (const source of [...bySource.keys()].sort())
      await claimOfSource(tx, group, bySource.get(source) ?? [], options, outcomes)
    return outcomes
  }
}

function inBoth(make: (order: 'key' | 'none') => NamedStatement): Record<'key' | 'none', NamedStatement> {
  return { key: make('key'), none: make('none') }
}

function hintOf(hints: Map<string, Hints>, group: string): Hints {
  const hint = hints.get(group) ?? { looksFirst: false, keyedLeft: 0 }
  hints.set(group, hint)
  return hint
}

/** Notes the outcomes that are known. @returns the entries whose outcome is not */
function settled(
  open: readonly Open[],
  outcomes: ClaimOutcome[],
  outcome: (one: Open) => ClaimOutcome | undefined,
): readonly Open[] {
  return open.filter((one) => {
    const known = outcome(one)
    if (known !== undefined) outcomes[one.at] = known
    return known === undefined
  })
}

/** `undefined`: not known yet. @param keyed whether it could not be claimed although its key was asked for */
function outcomeOf(said: FoundClaimRow | undefined, keyed: boolean = false): ClaimOutcome | undefined {
  if (said === undefined) return 'duplicate'
  if (said.found) return said.reused ? 'reused' : 'duplicate'
  return keyed && said.held ? 'held' : undefined
}

/** Ids and numbers need no quotes in the text of an array, which is several times faster than what a driver makes of one. */
function columnsOf(group: string, open: readonly Open[]): unknown[] {
  const ids = open.map(({ entry }) => entry.id)
  const fingerprints = open.map(({ entry }) => entry.fingerprint)
  return [group, open[0]?.entry.source, `{${ids.join()}}`, `{${fingerprints.join()}}`]
}

function keysOf(open: readonly Open[]): readonly (Buffer | null)[] {
  return open.map(({ entry }) => entry.key)
}

function cameBetween(group: string): BackstitchError {
  return new BackstitchError('TRANSACTION_CONFLICT', `The dead letters of ${group} changed meanwhile`)
}
