import type { Act } from '../../audit/act.ts'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import type { OutboxState } from './outbox-state.ts'
import type { QuarantinedMessage, QuarantineEntry } from './quarantine-entry.ts'
import type { ReplayOperator } from './replay-operator.ts'
import type { RowContent, RowEdit } from './row-edit.ts'

/** Which rows of the quarantine. */
type QuarantineFilter = {
  readonly topic?: string
  readonly key?: string
  readonly code?: ErrorCode
  /** Only those that have been parked for so long. */
  readonly parkedForMs?: number
  /** Only those behind this `seq`: for the next page. */
  readonly afterSeq?: string
  /** Default 100. */
  readonly limit?: number
}

/** Which rows an act is about: some, those of a key, of a topic, or all. */
export type QuarantineSelection =
  | { readonly seqs: readonly string[] }
  | { readonly topic: string; readonly key?: string }
  | { readonly all: true }

/** How an act on many rows is carried out. */
export type BulkOptions = {
  /** Rows at most, the oldest first. Default 1,000, at most 100,000. More than 1,000 of a key, a topic or all are noted bit by bit, each with its audit entry. */
  readonly limit?: number
  /** Tells what it would do, and does nothing: no audit entry is written either. */
  readonly dryRun?: boolean
}

/** The rows that an act is about. */
export type RequestedRows = {
  /** In order. */
  readonly seqs: readonly string[]
  /** There are more than the limit allows: do it again when these are through. */
  readonly more: boolean
}

/** What an edit changed. */
export type EditedRow = { readonly seq: string; readonly before: RowContent; readonly after: RowContent }

/**
 * What an operator looks at an outbox with, and helps its parked rows. The acts are wishes: the relay that owns the outbox carries them out
 * within about half a second, with nothing else of the key under way, so that no row overtakes another. Each is recorded in the audit
 * trail, in the transaction in which the wish is noted.
 */
export type OutboxOperator = ReplayOperator & {
  /** How far the outbox is, who owns it, what is parked, and what it takes on disk. Numbers of rows are counted up to a limit. */
  status(): Promise<OutboxState>
  /** Rows of the quarantine, the oldest first. @throws `SCHEMA_MISSING`, `DATABASE_UNREACHABLE` */
  list(filter?: QuarantineFilter): Promise<readonly QuarantineEntry[]>
  /** A row of the quarantine with its body, its headers, what waits behind it and what was done to it. @throws `ROW_NOT_FOUND` */
  show(seq: string): Promise<QuarantinedMessage>
  /**
   * Has keys published again, each from its first row on until one is refused again. Of a key, a topic or all, the refused rows are chosen:
   * what waits behind them follows. Rows that wait for their topic need no retry: they are published by themselves once it can be written to.
   * @throws `ROW_NOT_FOUND` when there is none, `ROW_STATE_REFUSES` for a row that waits for its topic, `ACTOR_MISSING`, `REASON_MISSING`
   */
  retry(selection: QuarantineSelection, act: Act, options?: BulkOptions): Promise<RequestedRows>
  /**
   * Has rows dropped: they are never published. What waits behind a dropped row goes on by itself.
   * @throws `ROW_NOT_FOUND` when there is none, `ACTOR_MISSING`, `REASON_MISSING`
   */
  skip(selection: QuarantineSelection, act: Act, options?: BulkOptions): Promise<RequestedRows>
  /**
   * Gives a parked row another body or other headers, and has its key retried. What leaves is another message: it has a new id, and the
   * old one as its causation id. Key and topic stay. Only while nothing of the key is under way: it has a refused row, and no wish is open.
   * @throws `ROW_NOT_FOUND`, `ROW_STATE_REFUSES`, `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  edit(seq: string, change: RowEdit, act: Act, options?: Pick<BulkOptions, 'dryRun'>): Promise<EditedRow>
}
