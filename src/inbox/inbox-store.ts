import type { SqlExecutor } from '../kernel/sql-executor.ts'
import type { DeadLetter } from './dead-letter.ts'

/** A message that is to be claimed for a group: the same id from another topic is another message. */
export type InboxEntry = {
  /** The topic. */
  readonly source: string
  readonly id: string
  /** Of its body, by `fingerprintOf`. */
  readonly fingerprint: bigint
  /** Of its record. What has no key keeps no order, and is never held. */
  readonly key: Buffer | null
}

/**
 * What became of a claim.
 * - `fresh`: claimed now; it is to be applied in this transaction
 * - `duplicate`: claimed before: applied, or put among the dead letters
 * - `reused`: claimed before with another body
 * - `held`: its key has dead letters and keeps its order; nothing was claimed
 */
export type ClaimOutcome = 'fresh' | 'duplicate' | 'reused' | 'held'

/** How messages are claimed. */
export type ClaimOptions = {
  /** A text on which transactions are first put in line, one after the other until their end. */
  readonly lockOn?: string
  /** Whether a message is held while its key has dead letters. */
  readonly order: 'key' | 'none'
}

/** What a group has had, and what it could not handle. */
export type InboxStore = {
  /**
   * Claims messages in the transaction that applies them, which is begun with `isFirstGuarded`, the ids in order, so that two that claim the same ones never wait for each other in
   * a circle. Whoever claims one of them at the same time waits for the end of this transaction. Of two entries with one id the first counts.
   *
   * @returns the outcomes in the order of the entries
   * @throws `TRANSACTION_CONFLICT` when a dead letter of a key came between: the transaction is to be run again; `SCHEMA_MISSING`
   */
  claim(
    tx: SqlExecutor,
    group: string,
    entries: readonly InboxEntry[],
    options: ClaimOptions,
  ): Promise<readonly ClaimOutcome[]>
  /**
   * Claims a message and puts it among the dead letters, so that a member that still retries it cannot apply it as well. A letter that keeps
   * its order holds back the later messages of its key, and joins the line behind those that are there.
   * @returns false when it was claimed before; nothing is written then
   * @throws `SCHEMA_MISSING`
   */
  bury(tx: SqlExecutor, letter: DeadLetter): Promise<boolean>
}
