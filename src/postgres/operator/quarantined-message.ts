import type { RecordedAuditEntry } from '../../audit/audit-trail.ts'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import type { QuarantinedMessage, QuarantineEntry } from '../../relay/operator/quarantine-entry.ts'
import type { QuarantineListRow } from '../queries/quarantine/list-quarantine.ts'
import type { ShownRow } from '../queries/quarantine/show-row.ts'
import { bounded } from './pg-outbox-state.ts'

/** A row as it is listed. */
export function entryOf(row: QuarantineListRow): QuarantineEntry {
  const { intent, intent_by: actor, intent_reason: reason, intent_at: wishedAt } = row
  return {
    seq: row.seq,
    topic: row.topic,
    key: row.key,
    id: row.id,
    type: row.type,
    version: row.version,
    bytes: row.bytes,
    code: row.code as ErrorCode,
    reason: row.reason,
    createdAt: row.createdAt,
    parkedAt: row.parkedAt,
    ...(intent !== null && {
      intent: { verb: intent, actor: actor ?? '', reason: reason ?? '', at: wishedAt ?? new Date(0) },
    }),
  }
}

/** A row with everything of it. */
export function messageOf(row: ShownRow, history: readonly RecordedAuditEntry[]): QuarantinedMessage {
  const { payload, payload_base64: base64, content_type: contentType, behind } = row
  const headers: unknown = row.headers === null ? {} : JSON.parse(row.headers)
  return {
    ...entryOf(row),
    aggregateType: row.aggregatetype,
    ...(contentType !== null && { contentType }),
    body: payload !== null ? { text: payload } : base64 === null ? null : { base64: withoutBreaks(base64) },
    headers: headers as QuarantinedMessage['headers'],
    context: row.context,
    ...(behind !== null && behind !== row.seq && { behind }),
    waiting: bounded(row.waiting),
    history,
  }
}

/** Postgres breaks the lines of base64 as in a mail. */
export function withoutBreaks(base64: string): string {
  return base64.replaceAll('\n', '')
}
