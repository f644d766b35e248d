import type { OutgoingRecord } from '../../transport/publisher.ts'
import { type OutboxTuple, at, textAt } from '../source/outbox-tuple.ts'
import { headersOfTexts } from './headers-of-texts.ts'
import { PackedRecord } from './packed-record.ts'

/**
 * The record of a row: key and body byte for byte, the header `id` as Debezium’s router sends it, and one header a column. The record’s
 * timestamp is left to the moment of sending: with the row’s own, an old row could expire on the topic unread.
 *
 * @param sequenceHeader whether the row’s place in the outbox goes along: within a key it rises, so that whoever keeps only the last state of
 *   a key can drop what arrives late (bytes of a request that was given up may lie in the network and reach the broker after newer ones)
 */
export function recordOfRow(
  row: OutboxTuple,
  topic: string,
  partition: number,
  sequenceHeader: boolean = false,
): OutgoingRecord {
  if ('bytes' in row) return new PackedRecord(row, topic, partition, sequenceHeader)
  const headers = headersOfTexts(row, sequenceHeader ? textAt(row, 'seq') : undefined)
  return { topic, partition, key: textAt(row, 'aggregateid'), value: bodyOf(row), headers }
}

/** The bytes that leave: text as it was written, bytes as they are, nothing for a tombstone. */
function bodyOf(row: readonly (string | null)[]): string | Buffer | null {
  const text = row[at.payload]
  if (text !== null && text !== undefined) return text
  const hex = row[at.payload_binary]
  return hex === null || hex === undefined ? null : Buffer.from(hex.slice(2), 'hex')
}
