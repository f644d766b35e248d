import type { RecordedAuditEntry } from '../../audit/audit-trail.ts'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'

/** A row of the quarantine as an operator sees it in a list. Bodies are left out. */
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
  /** `OUTBOX_RECORD_REFUSED`, `OUTBOX_KEY_PARKED` for what waits behind such a row, or what it waits for: `OUTBOX_TOPIC_UNKNOWN` ... */
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

/** A number that is counted up to a limit. */
export type BoundedCount = {
  readonly count: number
  /** There are more than that. */
  readonly more: boolean
}

/** A row of the quarantine with all that is known of it. */
export type QuarantinedMessage = QuarantineEntry & {
  readonly aggregateType: string
  /** Absent for JSON. */
  readonly contentType?: string
  /** The body: text as it was written, bytes in base64, or null for a tombstone. */
  readonly body: { readonly text: string } | { readonly base64: string } | null
  /** The headers that are the writer’s own. */
  readonly headers: Readonly<Record<string, unknown>>
  /** The headers that the columns make: `correlation-id`, `saga-step` ... */
  readonly context: Readonly<Record<string, string>>
  /** The row of its key that it waits behind: the first one that was refused. */
  readonly behind?: string
  /** Rows of its key that wait behind it. */
  readonly waiting: BoundedCount
  /** What operators did to the row, its key or its topic, the newest first. */
  readonly history: readonly RecordedAuditEntry[]
}
