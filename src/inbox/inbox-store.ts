import type { SqlExecutor } from '../kernel/sql-executor.ts'
import type { DeadLetter } from './dead-letter.ts'

/** Names a message for one group: the same id from another topic is another message. */
export type InboxKey = {
  readonly group: string
  /** The topic. */
  readonly source: string
  readonly id: string
}

/** What a group has had, and what it could not handle. */
export type InboxStore = {
  /**
   * Claims a message in the transaction that applies it. Whoever claims it at the same time waits for the end of this transaction.
   *
   * @param lockOn a text on which transactions are first put in line, one after the other until their end
   * @returns false when it was claimed before: applied, or put among the dead letters
   * @throws `SCHEMA_MISSING`
   */
  claim(tx: SqlExecutor, key: InboxKey, lockOn?: string): Promise<boolean>
  /**
   * Claims a message and puts it among the dead letters, so that a member that still retries it cannot apply it as well.
   * @returns false when it was claimed before; nothing is written then
   * @throws `SCHEMA_MISSING`
   */
  bury(tx: SqlExecutor, letter: DeadLetter): Promise<boolean>
}
