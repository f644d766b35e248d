import type { RecordedAuditEntry } from '../../audit/audit-trail.ts'
import type { LetterEntry, ShownLetter, WholeLetter } from '../../inbox/letters/operator/letter-entry.ts'
import { shownBytes } from '../../inbox/letters/operator/shown-bytes.ts'
import type { LetterRow, ShownLetterRow, WholeLetterRow } from '../queries/letters/list-letters.ts'
import { bounded } from './pg-outbox-state.ts'

/** A letter as it is listed. */
export function letterEntryOf(row: LetterRow): LetterEntry {
  return {
    id: row.id,
    group: row.consumer_group,
    topic: row.topic,
    partition: row.partition,
    offset: row.offset,
    key: shownBytes(row.message_key),
    messageId: row.message_id,
    ...(row.type !== null && { type: row.type }),
    bytes: row.bytes,
    code: row.reason_code,
    reason: row.reason,
    attempts: row.attempts,
    deadAt: row.dead_at,
    state: row.state,
    ...(row.due_at !== null && { dueAt: row.due_at }),
    order: row.is_in_line ? 'key' : 'none',
    isHead: row.is_head,
  }
}

/** A letter with everything of it. */
export function wholeLetterOf(row: WholeLetterRow): WholeLetter {
  return {
    ...letterEntryOf(row),
    headers: row.headers,
    body: shownBytes(row.payload),
    ...(row.stack !== null && { stack: row.stack }),
    timestampMs: Number(row.record_time_ms),
  }
}

/** A letter with all that is known of it. */
export function shownLetterOf(row: ShownLetterRow, history: readonly RecordedAuditEntry[]): ShownLetter {
  return {
    ...wholeLetterOf(row),
    ...(row.first !== null && row.first !== row.id && { behind: row.first }),
    waiting: bounded(row.waiting),
    history,
  }
}
