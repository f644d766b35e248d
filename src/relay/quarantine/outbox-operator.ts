import type { Act } from '../../audit/act.ts'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'

/** A row of the quarantine as an operator sees it. Bodies are left out. */
export type QuarantineEntry = {
  /** Its place in the outbox, by which it is named. */
  readonly seq: string
  readonly topic: string
  readonly key: string
  /** The message’s id. */
  readonly id: string
  readonly type: string
  readonly version: number
  /** Bytes of its body. */
  readonly bytes: number
  /** `OUTBOX_RECORD_REFUSED`, `OUTBOX_KEY_PARKED` for what waits behind such a row, or `OUTBOX_TOPIC_UNKNOWN`. */
  readonly code: ErrorCode
  readonly reason: string
  readonly createdAt: Date
  readonly parkedAt: Date
  /** What an operator wants, until the relay has done it. */
  readonly intent?: {
    readonly verb: 'retry' | 'skip'
    readonly actor: string
    readonly reason: string
    readonly at: Date
  }
}

/** Which rows of the quarantine. */
type QuarantineFilter = {
  readonly topic?: string
  readonly key?: string
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

/**
 * What an operator looks at the quarantine with. The acts are wishes: the relay that owns the outbox carries them out within about half a
 * second, with nothing else of the key under way, so that no row overtakes another. Each is
 * recorded in the audit trail, in the transaction in which the wish is noted.
 */
export type OutboxOperator = {
  /** Rows of the quarantine, the oldest first. @throws `SCHEMA_MISSING`, `DATABASE_UNREACHABLE` */
  list(filter?: QuarantineFilter): Promise<readonly QuarantineEntry[]>
  /**
   * Has rows published again: from the first row of each of their keys on, until one is refused again. Rows that wait for their topic need
   * no retry: they are published by themselves once it can be written to.
   * @returns the rows by `seq`
   * @throws `ROW_NOT_FOUND` when there is none, `ACTOR_MISSING`, `REASON_MISSING`
   */
  retry(selection: QuarantineSelection, act: Act): Promise<readonly string[]>
  /**
   * Has rows dropped: they are never published. What waits behind a dropped row goes on by itself.
   * @returns the rows by `seq`
   * @throws `ROW_NOT_FOUND` when there is none, `ACTOR_MISSING`, `REASON_MISSING`
   */
  skip(selection: QuarantineSelection, act: Act): Promise<readonly string[]>
}
