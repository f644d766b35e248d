import { newId } from '../../../src/kernel/ids.ts'
import type { ReceivedRecord } from '../../../src/transport/subscriber.ts'

/** A record as a transport hands it over; headers with an `undefined` value are left out. */
export function recordWith(
  record: Partial<Omit<ReceivedRecord, 'headers' | 'value' | 'key'>> & {
    readonly key?: string | null
    readonly value?: unknown
    readonly headers?: Readonly<Record<string, string | Buffer | undefined>>
  } = {},
): ReceivedRecord {
  const { key = 'k', value = null, headers = {}, ...place } = record
  return {
    topic: 'outbox.event.order',
    partition: 0,
    offset: 0n,
    timestampMs: 1_780_000_000_000,
    ...place,
    key: key === null ? null : Buffer.from(key),
    value: value === null || Buffer.isBuffer(value) ? value : Buffer.from(JSON.stringify(value)),
    headers: Object.entries(headers).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, Buffer.from(text)] as const],
    ),
  }
}

/** Headers of a message of ours. */
export function messageHeaders(
  type: string,
  more: Readonly<Record<string, string | undefined>> = {},
): Record<string, string | undefined> {
  return { id: newId(), type, version: '1', ...more }
}
