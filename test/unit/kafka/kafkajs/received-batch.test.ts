import type { EachBatchPayload } from 'kafkajs'
import { expect, test } from 'vitest'
import { receivedRecords } from '../../../../src/kafka/kafkajs/membership/received-batch.ts'

test('a record of kafkajs becomes one of the port', () => {
  const [one, two] = [Buffer.from('1'), Buffer.from('2')]
  const message = {
    offset: '9007199254740993',
    timestamp: '1700000000000',
    key: one,
    value: null,
    headers: { single: one, twice: [one, two], constructor: [Object, two], none: null, mixed: [null, two] },
  }
  const payload = { batch: { topic: 't', partition: 3, messages: [message] } } as unknown as EachBatchPayload
  expect(receivedRecords(payload)).toEqual([
    {
      topic: 't',
      partition: 3,
      offset: 9007199254740993n,
      key: one,
      value: null,
      headers: [
        ['single', one],
        ['twice', one],
        ['twice', two],
        ['constructor', two],
        ['none', Buffer.alloc(0)],
        ['mixed', Buffer.alloc(0)],
        ['mixed', two],
      ],
      timestampMs: 1_700_000_000_000,
    },
  ])
})

test('a record without headers has none', () => {
  const message = { offset: '0', timestamp: '0', key: null, value: null, headers: undefined }
  const payload = { batch: { topic: 't', partition: 0, messages: [message] } } as unknown as EachBatchPayload
  expect(receivedRecords(payload)[0]?.headers).toEqual([])
})
