import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'

/** A dead letter that is handed to its handler again. */
export type DueLetter = {
  /** Its place among the dead letters. */
  readonly id: string
  /** The id of its message. */
  readonly messageId: string
  /** Tries since it was last set to retrying, this one included. */
  readonly tries: number
  /** Whether it stands in the line of its key. */
  readonly isInLine: boolean
  readonly record: ReceivedRecord
}

/** What a try ended with. */
type FailedTry = {
  readonly reasonCode: string
  readonly reason: string
  readonly stack?: string
  /** When it is tried again. Default: never, it is dead. */
  readonly retryAfterMs?: number
}

/** The dead letters that are to be handled again. All that changes a line of letters locks the row of its key first. */
export type LetterStore = {
  /**
   * Takes letters that are due and, of those in line, the first of their key. Each is left alone by others for `leaseMs`, and its try is
   * counted now: a letter that ends its process is known by its tries.
   */
  takeDue(
    tx: SqlExecutor,
    group: string,
    options: { readonly limit: number; readonly leaseMs: number },
  ): Promise<readonly DueLetter[]>
  /** Milliseconds until the next letter is due, zero or less if it is; `undefined` when there is none. */
  untilDueMs(tx: SqlExecutor, group: string): Promise<number | undefined>
  /**
   * Locks a letter, its key before it, until the end of the transaction.
   * @param lockOn a text on which transactions are put in line before that
   * @returns false when it is not any more as it was taken: handled, dropped, edited, or taken again
   */
  lock(tx: SqlExecutor, group: string, letter: DueLetter, lockOn?: string): Promise<boolean>
  /** Takes out a letter that is locked. The next one of its key is its head then, and the last one frees the key. */
  settle(tx: SqlExecutor, letter: DueLetter): Promise<void>
  /** Notes that a try failed. Does nothing to a letter that is not any more as it was taken. */
  fail(tx: SqlExecutor, letter: DueLetter, failed: FailedTry): Promise<void>
  /** Gives back a letter that was not tried, or whose try says nothing of it: it is due in `afterMs`, and the try is not counted. */
  giveBack(tx: SqlExecutor, letter: DueLetter, afterMs: number): Promise<void>
}
