import { describe, expect, test } from 'vitest'
import { outgoingBatches } from '../../../../src/kafka/kafkajs/outgoing-batch.ts'
import type { OutgoingRecord } from '../../../../src/transport/publisher.ts'

const record = (fields: Partial<OutgoingRecord>): OutgoingRecord => ({
  topic: 't',
  partition: 0,
  key: 'k',
  value: 'v',
  headers: [],
  ...fields,
})

describe('outgoing batches', () => {
  test('sort records by topic, in order, and know their partitions', () => {
    const records = [
      record({ value: '1' }),
      record({ topic: 'u', partition: 4, value: '2' }),
      record({ partition: 2, value: '3' }),
      record({ topic: 'u', partition: 4, value: '4' }),
    ]
    const [batch, ...rest] = outgoingBatches(records)
    expect(rest).toEqual([])
    expect(
      batch!.topicMessages.map(({ topic, messages }) => [topic, messages.map(({ value }) => value)]),
    ).toEqual([
      ['t', ['1', '3']],
      ['u', ['2', '4']],
    ])
    expect(batch!.partitions).toEqual(
      new Map([
        ['t', new Set([0, 2])],
        ['u', new Set([4])],
      ]),
    )
  })

  test('are none for no records', () => expect(outgoingBatches([])).toEqual([]))

  test('group headers by name, whatever the name', () => {
    const headers = ['a', 'b', 'a', 'constructor', '__proto__', 'a'].map(
      (name, index) => [name, String(index)] as const,
    )
    const message = outgoingBatches([record({ headers })])[0]!.topicMessages[0]!.messages[0]!
    expect(Object.keys(message.headers!)).toEqual(['a', 'b', 'constructor', '__proto__'])
    expect(Object.entries(message.headers!)).toEqual([
      ['a', ['0', '2', '5']],
      ['b', '1'],
      ['constructor', '3'],
      ['__proto__', '4'],
    ])
  })

  test('split where a partition’s records would be too many bytes, counted in UTF-8', () => {
    const large = 'ä'.repeat(200_000) // 400,000 bytes
    const records = [0, 0, 1, 0, 0, 0].map((partition, index) =>
      record({ partition, value: large, key: String(index) }),
    )
    const keys = outgoingBatches(records).map(({ topicMessages }) =>
      topicMessages[0]!.messages.map(({ key }) => key),
    )
    expect(keys).toEqual([['0', '1', '2'], ['3', '4'], ['5']])
  })

  test('leave a record that is too large alone with what is before it', () => {
    const batches = outgoingBatches([record({}), record({ value: Buffer.alloc(5_000_000) }), record({})])
    expect(batches.map(({ topicMessages }) => topicMessages[0]!.messages.length)).toEqual([1, 1, 1])
  })

  test('count headers as well', () => {
    const headers = [['h', Buffer.alloc(500_000)]] as const
    expect(outgoingBatches([record({ headers }), record({ headers })])).toHaveLength(2)
  })
})
