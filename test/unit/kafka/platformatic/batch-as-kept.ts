import { BatchEncoder } from '../../../../src/kafka/platformatic/encoding/batch-encoder.ts'
import { portableCrc32c } from '../../../../src/kafka/platformatic/encoding/crc32c.ts'

/** A batch of records as a broker keeps it. */
export function batchAsKept(
  firstOffset: number,
  values: readonly string[],
  options: { readonly producerId?: bigint; readonly attributes?: number; readonly appendedAt?: bigint } = {},
): Buffer {
  const encoder = new BatchEncoder()
  encoder.start()
  const records = values.map((value) => ({ topic: 't', partition: 2, key: null, value, headers: [] }))
  const part = { records, indexes: [...records.keys()], from: 0, to: records.length }
  encoder.batch(part, { producerId: options.producerId ?? -1n, epoch: 0, sequence: 0 }, 1_000_000)
  const bytes = Buffer.from(encoder.written.subarray(4))
  bytes.writeBigInt64BE(BigInt(firstOffset), 0)
  bytes.writeInt16BE(options.attributes ?? 0, 21)
  if (options.appendedAt !== undefined) bytes.writeBigInt64BE(options.appendedAt, 35)
  bytes.writeUInt32BE(portableCrc32c(bytes.subarray(21)), 17)
  return bytes
}
