import type { Act } from '../../../audit/act.ts'
import type { LetterEdit, LetterContent } from './letter-edit.ts'
import type { LetterEntry, ShownLetter, WholeLetter } from './letter-entry.ts'

/** Which dead letters. All that is given must fit. */
export type LetterFilter = {
  readonly group?: string
  readonly topic?: string
  readonly type?: string
  /** In UTF-8. */
  readonly key?: string
  readonly code?: string
  readonly state?: 'dead' | 'retrying'
  /** Only those that have been there for so long. */
  readonly deadForMs?: number
}

/** A part of a list. */
type Page = {
  /** Only those behind this one: the next page. */
  readonly afterId?: string
  /** Default 100. */
  readonly limit?: number
}

/** Which letters an act is about: some, those that fit, or all. */
export type LetterSelection =
  | { readonly ids: readonly string[] }
  | { readonly filter: LetterFilter }
  | { readonly all: true }

/** How an act on many letters is carried out. */
export type LetterBulkOptions = {
  /** Letters at most, the oldest first. Default 1,000, at most 100,000. More than 1,000 are done bit by bit. */
  readonly limit?: number
  /** Tells what it would do, and does nothing: no audit entry is written either. */
  readonly dryRun?: boolean
}

/** The letters that an act was about. */
export type ChosenLetters = {
  /** In order. */
  readonly ids: readonly string[]
  /** How many of them wait behind another letter of their key. */
  readonly behindOthers: number
  /** Those that were left, for a member handles them just now. */
  readonly busy: readonly string[]
  /** There are more than the limit allows. */
  readonly more: boolean
}

/** What an edit changed. */
export type EditedLetter = {
  readonly id: string
  readonly before: LetterContent
  readonly after: LetterContent
}

/**
 * What an operator looks at dead letters with, and helps them. Letters are handled by the members of their group, so one must run. Each act
 * is recorded in the audit trail for every letter, in the transaction that does it.
 */
export type LetterOperator = {
  /** Letters, the oldest first. @throws `SCHEMA_MISSING`, `DATABASE_UNREACHABLE` */
  list(filter?: LetterFilter & Page): Promise<readonly LetterEntry[]>
  /** The same with everything of them: for keeping them elsewhere. */
  export(filter?: LetterFilter & Page): Promise<readonly WholeLetter[]>
  /** A letter with its body, its headers, what waits behind it and what was done to it. @throws `LETTER_NOT_FOUND` */
  show(id: string): Promise<ShownLetter>
  /**
   * Has letters handled again, each key in its order. Of a filter, or of all, those that are dead are chosen: what waits behind them follows.
   * A letter whose id was used for another body cannot be: it is edited or dropped.
   * @param options.ratePerSecond how many are due in a second, with those that wait behind them. Default: all are due at once
   * @throws `LETTER_NOT_FOUND` when there is none, `LETTER_STATE_REFUSES`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  redrive(
    selection: LetterSelection,
    act: Act,
    options?: LetterBulkOptions & { readonly ratePerSecond?: number },
  ): Promise<ChosenLetters>
  /**
   * Deletes letters: their messages are never handled, and count as handled. What waits behind a letter that is dropped goes on by itself.
   * @throws `LETTER_NOT_FOUND` when there is none, `ACTOR_MISSING`, `REASON_MISSING`
   */
  drop(selection: LetterSelection, act: Act, options?: LetterBulkOptions): Promise<ChosenLetters>
  /**
   * Gives a letter another body or other headers, and has it handled again in its place. It is another message then: it has a new id, and the
   * old one as its `causation-id`.
   * @throws `LETTER_NOT_FOUND`, `LETTER_STATE_REFUSES`, `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  edit(
    id: string,
    change: LetterEdit,
    act: Act,
    options?: { readonly dryRun?: boolean },
  ): Promise<EditedLetter>
}
