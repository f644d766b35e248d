import { expect, test } from 'vitest'
import { readRecordBatches } from '../../../../src/kafka/platformatic/decoding/record-batches.ts'
import { batchAsKept } from './batch-as-kept.ts'

const topic = { topic: 't', partition: 2 }

const batch = (firstOffset: number, values: readonly string[], producerId = -1n, attributes = 0): Buffer =>
  batchAsKept(firstOffset, values, { producerId, attributes })

const transactional = 16
const control = 32 | transactional
const read = (bytes: Buffer, offset: bigint, aborted: { producerId: bigint; firstOffset: bigint }[] = []) => {
  const { records, nextOffset } = readRecordBatches(bytes, { ...topic, offset }, aborted)
  return { values: records.map((it) => `${it.offset}:${String(it.value)}`), nextOffset }
}

test('records before the offset that was asked for are left out', () => {
  const bytes = Buffer.concat([batch(10, ['a', 'b', 'c']), batch(13, ['d'])])
  expect(read(bytes, 11n)).toEqual({ values: ['11:b', '12:c', '13:d'], nextOffset: 14n })
})

test('a batch that is cut off is left for the next fetch', () => {
  const [whole, cut] = [batch(0, ['a']), batch(1, ['b'])]
  for (const length of [1, 11, 12, 60, cut.length - 1])
    expect(read(Buffer.concat([whole, cut.subarray(0, length)]), 0n)).toEqual({
      values: ['0:a'],
      nextOffset: 1n,
    })
})

test('what a transaction wrote that was given up is left out, and its mark passed over', () => {
  const bytes = Buffer.concat([
    batch(0, ['kept by 1'], 1n, transactional),
    batch(1, ['lost by 2'], 2n, transactional),
    batch(2, ['plain']),
    batch(3, ['mark'], 2n, control),
    batch(4, ['kept by 2'], 2n, transactional),
    batch(5, ['mark'], 1n, control),
  ])
  expect(read(bytes, 0n, [{ producerId: 2n, firstOffset: 1n }])).toEqual({
    values: ['0:kept by 1', '2:plain', '4:kept by 2'],
    nextOffset: 6n,
  })
})

test('a timestamp that the broker gave counts for all records of the batch', () => {
  const bytes = batchAsKept(0, ['a', 'b'], { attributes: 8, appendedAt: 123_456n })
  const { records } = readRecordBatches(bytes, { ...topic, offset: 0n }, [])
  expect(records.map(({ timestampMs }) => timestampMs)).toEqual([123_456, 123_456])
})

test('a batch of which a byte is wrong is not read, whichever it is', () => {
  for (let at = 16; at < batch(0, ['abc']).length; at++) {
    const bytes = batch(0, ['abc'])
    bytes[at]! ^= 4
    expect(() => read(bytes, 0n)).toThrow(/corrupt|format/)
  }
})

test('an older message format is not read, short as its messages may be', () => {
  const message = Buffer.alloc(12 + 22)
  message.writeInt32BE(22, 8)
  message[16] = 1
  expect(() => read(message, 0n)).toThrow('format 1')
})
