import type { RecordedAuditEntry } from '../../../audit/audit-trail.ts'
import type { StoredHeader } from '../../stored-headers.ts'
import type { ShownBytes } from './shown-bytes.ts'

/** A dead letter as an operator sees it in a list. Bodies are left out. */
export type LetterEntry = {
  /** Its place among the dead letters of the database, by which it is named. */
  readonly id: string
  readonly group: string
  readonly topic: string
  readonly partition: number
  readonly offset: string
  readonly key: ShownBytes
  readonly messageId: string
  readonly type?: string
  /** Bytes of its body. */
  readonly bytes: number
  /** A code of the error catalogue: `HANDLER_FAILED`, `KEY_HELD` for what waits behind another letter of its key, … */
  readonly code: string
  readonly reason: string
  /** How often a handler was called in all. */
  readonly attempts: number
  /** When it became a dead letter, or was one again. */
  readonly deadAt: Date
  /** `retrying`: a member of the group handles it by itself, once it is due and at the head of its line. */
  readonly state: 'dead' | 'retrying'
  readonly dueAt?: Date
  /** Whether it stands in the line of its key: it waits for those before it, and holds back what comes later. */
  readonly order: 'key' | 'none'
  /** Whether nothing of its line stands before it. */
  readonly isHead: boolean
}

/** All of a letter. */
export type WholeLetter = LetterEntry & {
  readonly headers: readonly StoredHeader[]
  readonly body: ShownBytes
  readonly stack?: string
  /** The record’s timestamp; -1 for none. */
  readonly timestampMs: number
}

/** A letter with all that is known of it. */
export type ShownLetter = WholeLetter & {
  /** The letter of its key that it waits behind. */
  readonly behind?: string
  /** Letters of its key that wait behind it, counted up to a limit. */
  readonly waiting: { readonly count: number; readonly more: boolean }
  /** What operators did to it, the newest first. */
  readonly history: readonly RecordedAuditEntry[]
}
