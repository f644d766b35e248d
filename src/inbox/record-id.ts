import { deriveId, idOfTime } from '../kernel/ids.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'

/**
 * The id of a record whose producer gave it none: derived from its place, so that it is the same at each delivery. It begins with the
 * record’s timestamp, which tells it from the record of the same place in a topic that was deleted and made again.
 */
export function recordId(
  record: Pick<ReceivedRecord, 'topic' | 'partition' | 'offset' | 'timestampMs'>,
): string {
  const { topic, partition, offset, timestampMs } = record
  // A record without a timestamp has -1.
  return deriveId(idOfTime(timestampMs), topic, partition, String(offset))
}
