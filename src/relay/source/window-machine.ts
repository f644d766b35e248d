import type { SavedCursor } from '../lease/checkpoint.ts'
import { type Fences, sequenceBefore } from './fences.ts'
import { type OutboxTuple, textAt } from './outbox-tuple.ts'
import type { Page, PageRead } from './source-session.ts'
import { type Snapshot, endedBetween, parseSnapshot } from './snapshot.ts'

/**
 * Where the relay is in its outbox. A *window* is the rows visible to a snapshot and not visible to the one before, in the order of `seq`:
 * nothing is lost, sent twice, or turned round, and no open transaction is waited for (the idea is PgQ’s).
 * Without `current` everything visible to `previous` is done.
 */
export type Cursor = {
  readonly previous: Snapshot
  readonly current: Snapshot | undefined
  readonly position: bigint
  readonly walkFrom: bigint
  readonly lowWater: bigint
  readonly sequenceHigh: bigint
}

/**
 * How far a statement reads at most along the sequence, so that no stretch without rows to publish can outlast a statement’s time: where all rows
 * are looked at, and where only those of certain transactions are.
 */
export type ReadingSpans = { readonly span: bigint; readonly earlySpan: bigint }

/** The cursor of a checkpoint. Where sessions draw sequence values in advance, what was concluded from the sequence is forgotten. */
export function cursorOf(saved: SavedCursor, sequenceInOrder: boolean): Cursor {
  return {
    previous: parseSnapshot(saved.previous),
    current: saved.current === null ? undefined : parseSnapshot(saved.current),
    position: saved.position,
    walkFrom: sequenceInOrder ? saved.walkFrom : 0n,
    lowWater: sequenceInOrder ? saved.lowWater : 0n,
    sequenceHigh: saved.sequenceHigh,
  }
}

/** What is saved of a cursor. */
export function savedCursorOf(cursor: Cursor): SavedCursor {
  return { ...cursor, previous: cursor.previous.text, current: cursor.current?.text ?? null }
}

/**
 * The cursor after a look at the sequence. One that has gone back was restarted by somebody: what was concluded from it is forgotten.
 * (A crash does not set it back behind what was saved.)
 */
export function afterSequence(cursor: Cursor, last: bigint): Cursor {
  return last < cursor.sequenceHigh ? { ...cursor, walkFrom: 0n, lowWater: 0n } : cursor
}

/** All rows between the cursor and the snapshot are done. */
export function afterWindow(cursor: Cursor, current: Snapshot, sequenceHigh: bigint, fences: Fences): Cursor {
  return {
    previous: current,
    current: undefined,
    position: 0n,
    walkFrom: max(cursor.walkFrom, sequenceBefore(fences, current.xmax)),
    lowWater: max(cursor.lowWater, sequenceBefore(fences, current.xmin)),
    sequenceHigh,
  }
}

/** The window up to the snapshot is too large for one page: it stays as it is until all its pages are done, those up to `position` already are. */
export function openWindow(
  cursor: Cursor,
  current: Snapshot,
  sequenceHigh: bigint,
  position: bigint = 0n,
): Cursor {
  return { ...cursor, current, position, sequenceHigh }
}

/** The rows of the open window up to `position` are done. */
export function movedTo(cursor: Cursor, position: bigint): Cursor {
  return { ...cursor, position }
}

/**
 * The page of the open window that begins after `after`; `undefined` when there is none.
 *
 * Rows of transactions that were under way at `previous` may have any `seq`, so they are looked up by transaction; all others were drawn
 * after `walkFrom`, so there the primary key is walked. A long transaction thus costs its own rows, not a walk over all that was
 * published during its life.
 */
export function pageAfter(cursor: Cursor, after: bigint, spans: ReadingSpans): PageRead | undefined {
  const { previous, current, walkFrom, sequenceHigh } = cursor
  if (!current) return undefined
  if (after < walkFrom) {
    const xids = endedBetween(previous, current)
    if (xids.length > 0) return { kind: 'early', xids, after, upTo: min(walkFrom, after + spans.earlySpan) }
  }
  const from = max(after, walkFrom)
  if (from >= sequenceHigh) return undefined
  return {
    kind: 'walk',
    previous: previous.text,
    current: current.text,
    after: from,
    upTo: min(sequenceHigh, from + spans.span),
  }
}

/** Where the page ends, and so where the next one begins: at its last row if it was cut there, else at the end of what was asked for. */
export function endOfPage(read: PageRead, page: Page<OutboxTuple>): bigint {
  const last = page.rows.at(-1)
  return page.full && last ? BigInt(textAt(last, 'seq')) : read.upTo
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b
}
