import { deriveId } from '../kernel/ids.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'

const timeMsMax = 2 ** 48 - 1

/**
 * The id of a record whose producer gave it none: derived from its place, so that it is the same at each delivery. It begins with the
 * record’s timestamp, which tells it from the record of the same place in a topic that was deleted and made again.
 */
export function recordId(
  record: Pick<ReceivedRecord, 'topic' | 'partition' | 'offset' | 'timestampMs'>,
): string {
  const { topic, partition, offset, timestampMs } = record
  // A record without a timestamp has -1.
  const timeMs = Math.min(Math.max(Math.trunc(timestampMs) || 0, 0), timeMsMax)
  const time = timeMs.toString(16).padStart(12, '0')
  const base = `${time.slice(0, 8)}-${time.slice(8)}-8000-8000-000000000000`
  return deriveId(base, topic, partition, String(offset))
}
