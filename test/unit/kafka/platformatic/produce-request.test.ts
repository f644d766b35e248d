import { Reader } from '@platformatic/kafka'
import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { BatchEncoder } from '../../../../src/kafka/platformatic/encoding/batch-encoder.ts'
import { outcomeOf } from '../../../../src/kafka/platformatic/publishing/produce-outcome.ts'
import {
  readProduceAnswer,
  writeProduceRequest,
} from '../../../../src/kafka/platformatic/publishing/produce-request.ts'

const load = createRequire(import.meta.url)
const Encoder = load('kafkajs/src/protocol/encoder') as new () => KafkajsEncoder
type KafkajsEncoder = Record<
  'writeInt16' | 'writeInt32' | 'writeInt64' | 'writeString' | 'writeArray',
  (value: unknown) => KafkajsEncoder
> & { readonly buffer: Buffer }

test('a request groups the batches by topic', () => {
  const encoder = new BatchEncoder()
  const batch = (topic: string, partition: number) => ({
    topic,
    partition,
    write: () => encoder.string(`batch ${topic}/${partition}`),
  })
  const batches = [batch('a', 0), batch('a', 3), batch('ö', 1), batch('late', 0)]
  expect(writeProduceRequest(encoder, batches, 1_234, () => encoder.length > 70)).toBe(3)
  const expected = new Encoder()
    .writeInt16(-1)
    .writeInt16(-1)
    .writeInt32(1_234)
    .writeInt32(2)
    .writeString('a')
    .writeInt32(2)
    .writeInt32(0)
    .writeString('batch a/0')
    .writeInt32(3)
    .writeString('batch a/3')
    .writeString('ö')
    .writeInt32(1)
    .writeInt32(1)
    .writeString('batch ö/1')
  expect(encoder.written.toString('hex')).toBe(expected.buffer.toString('hex'))
})

test('an answer is read with what it says of single records', () => {
  const partition = (index: number, errorCode: number) =>
    new Encoder().writeInt32(index).writeInt16(errorCode).writeInt64(5).writeInt64(-1).writeInt64(0)
  const blamed = new Encoder().writeInt32(7).writeString('no key')
  const answer = new Encoder().writeArray([
    new Encoder()
      .writeString('a')
      .writeArray([
        partition(0, 0).writeArray([]).writeString(null),
        partition(2, 87).writeArray([blamed]).writeString('one is invalid'),
      ]),
  ])
  const read = readProduceAnswer(0, 0, 8, Reader.from(answer.writeInt32(0).buffer)).get('a')
  expect(read?.get(0)).toEqual({ errorCode: 0, recordErrors: [], detail: null })
  expect(read?.get(2)).toEqual({
    errorCode: 87,
    recordErrors: [{ place: 7, detail: 'no key' }],
    detail: 'one is invalid',
  })
})

test('an answer may name a topic twice', () => {
  const topic = (index: number) =>
    new Encoder()
      .writeString('a')
      .writeArray([
        new Encoder()
          .writeInt32(index)
          .writeInt16(0)
          .writeInt64(5)
          .writeInt64(-1)
          .writeInt64(0)
          .writeArray([])
          .writeString(null),
      ])
  const answer = new Encoder().writeArray([topic(0), topic(2)]).writeInt32(0)
  expect([...(readProduceAnswer(0, 0, 8, Reader.from(answer.buffer)).get('a')?.keys() ?? [])]).toEqual([0, 2])
})

test.each([
  [0, 'written'],
  [46, 'written'], // a duplicate
  [6, 'stale'],
  [3, 'stale'],
  [19, 'passing'],
  [32, 'passing'], // a clock is wrong
  [2, 'passing'],
  [20, 'unsure'],
  [7, 'unsure'],
  [-1, 'unsure'],
  [10, 'tooLarge'],
  [29, 'refused'],
  [87, 'refused'],
  [45, 'broken'],
  [47, 'broken'],
  [31, 'broken'],
])('answer %i means %s', (errorCode, kind) => {
  expect(outcomeOf({ errorCode, detail: null, recordErrors: [] }).kind).toBe(kind)
})
