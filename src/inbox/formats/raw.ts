import { deriveId, idOfTime } from '../../kernel/ids.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'
import type { MessageFormat } from './message-format.ts'
import { headerTexts } from './wire-text.ts'

/** How records are understood that follow no format. */
export type RawOptions = {
  /**
   * Makes a body of the bytes, for the contract’s schema to validate. What it throws makes the record a dead letter. Default: the bytes
   * themselves, as a `Buffer`.
   */
  readonly decode?: (value: Buffer, record: ReceivedRecord) => unknown
  /** The name of the contract that a record is for. Needed where a consumer reads several from the topic. */
  readonly type?: (record: ReceivedRecord) => string | undefined
  /**
   * What names a record, any text: a second record of the same name is a duplicate. Default: its place in the topic, so that a record which its
   * producer has sent twice is two.
   */
  readonly id?: (record: ReceivedRecord) => string | undefined
}

/**
 * Records of any producer, with a schema of yours: no header means anything, all of them are handed on.
 *
 * @example
 * const Reading = event('sensor.reading', { version: 1, key: (r) => r.sensor, payload: z.object({ sensor: z.string(), celsius: z.number() }) })
 * createConsumer({
 *   ..., handlers: [on(Reading, store, { topic: 'plant-7.sensors' })],
 *   formats: { 'plant-7.sensors': raw({ decode: (bytes) => parseCsvLine(bytes.toString()) }) },
 * })
 */
export function raw(options: RawOptions = {}): MessageFormat {
  const { decode = (value: Buffer) => value, type, id } = options
  return {
    ...(type && { typeOf: type }),
    read: (record) => {
      const ownType = type?.(record)
      const name = id?.(record)
      return {
        ...(ownType !== undefined && { type: ownType }),
        ...(name !== undefined && { id: deriveId(idOfTime(0), 'raw', name) }),
        headers: headerTexts(record),
        content:
          record.value === null ? { kind: 'none' } : { kind: 'body', body: decode(record.value, record) },
      }
    },
  }
}
