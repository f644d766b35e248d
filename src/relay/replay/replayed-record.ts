import { deriveId } from '../../kernel/ids.ts'
import type { OutgoingRecord } from '../../transport/publisher.ts'
import type { Replay } from './replay-session.ts'

/**
 * A record as a replay sends it: with the header `replay-id`, and else as it was, so that inboxes which had it refuse it. With ids of its own
 * it is another message, caused by the first one; doing the replay again gives the same ids.
 */
export function replayedRecord(record: OutgoingRecord, { id, newIds }: Replay): OutgoingRecord {
  if (!newIds) return { ...record, headers: [...record.headers, ['replay-id', id]] }
  const old = String(record.headers.find(([name]) => name === 'id')?.[1] ?? '')
  const others = record.headers.filter(([name]) => name !== 'id' && name !== 'causation-id')
  return {
    ...record,
    headers: [['id', deriveId(old, 'replay', id)], ...others, ['causation-id', old], ['replay-id', id]],
  }
}
