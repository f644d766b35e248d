import { describe, expect, test } from 'vitest'
import { readWireHeaders } from '../../../../src/message/wire-headers.ts'
import { microseconds } from '../../../../src/relay/record/microseconds.ts'
import { recordOfRow } from '../../../../src/relay/record/record-of-row.ts'
import { at } from '../../../../src/relay/source/outbox-tuple.ts'
import { outboxTupleColumns } from '../../../../src/postgres/queries/relay/outbox-tuple-columns.ts'
import { rowOf } from '../rows.ts'

test('the columns are selected in the order in which they are taken', () => {
  expect([...outboxTupleColumns, 'oversize']).toEqual(Object.keys(at))
})

describe('the record of a row', () => {
  test('has the key and the body as they are, and headers only for what is not null', () => {
    const record = recordOfRow(rowOf({ payload: '{ "ä": 1 }' }), 'outbox.event.order', 3)
    expect(record).toEqual({
      topic: 'outbox.event.order',
      partition: 3,
      key: 'o-1',
      value: '{ "ä": 1 }',
      headers: [
        ['id', '01a20cc2-4336-771b-90d2-d9c3fc145ea7'],
        ['type', 'order.placed'],
        ['version', '1'],
        ['created-at', '1795510387510243'],
      ],
    })
  })

  test('says all that a consumer reads from it', () => {
    const saga = '01a20cc2-4336-771b-90d2-d9c3fc145ea8'
    const { headers } = recordOfRow(
      rowOf({
        version: '2',
        content_type: 'application/cbor',
        correlation_id: 'c',
        causation_id: 'd',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'a=b',
        saga_id: saga,
        saga_name: 'place-order',
        saga_step: 'reserve',
        saga_round: '1',
        saga_direction: 'undo',
        saga_attempt: '3',
        reply_to: 'orchestrator.reply',
        outcome: 'ok',
        expires_at: '1795510400',
        headers: '{"tenant": "t-1", "number": 7, "list": [1], "none": null}',
      }),
      't',
      0,
    )
    expect(readWireHeaders(headers)).toEqual({
      id: '01a20cc2-4336-771b-90d2-d9c3fc145ea7',
      type: 'order.placed',
      version: 2,
      contentType: 'application/cbor',
      createdAtUs: 1795510387510243n,
      context: {
        correlationId: 'c',
        causationId: 'd',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'a=b',
        saga: { id: saga, name: 'place-order', step: 'reserve', round: 1, direction: 'undo', attempt: 3 },
        replyTo: 'orchestrator.reply',
        outcome: 'ok',
        expiresAtUs: 1795510400000000n,
      },
      headers: { tenant: 't-1', number: '7', list: '[1]' },
    })
  })

  test('has the bytes of a binary body, and none of a tombstone', () => {
    expect(recordOfRow(rowOf({ payload: null, payload_binary: '\\x00ff80' }), 't', 0).value).toEqual(
      Buffer.from([0x00, 0xff, 0x80]),
    )
    expect(recordOfRow(rowOf({ payload: null, payload_binary: '\\x' }), 't', 0).value).toEqual(
      Buffer.alloc(0),
    )
    expect(recordOfRow(rowOf({ payload: null }), 't', 0).value).toBeNull()
    expect(recordOfRow(rowOf({ payload: '' }), 't', 0).value).toBe('')
  })

  test('lets no free header replace one of ours, and takes none that are no object', () => {
    const names = (headers: string) => recordOfRow(rowOf({ headers }), 't', 0).headers.map(([name]) => name)
    const ours = ['id', 'type', 'version', 'created-at']
    expect(names('{"id": "x", "type": "y", "expires-at": "z", "mine": "m"}')).toEqual([...ours, 'mine'])
    for (const json of ['"text"', '[1]', 'null', '7']) expect(names(json)).toEqual(ours)
  })

  test('carries its place in the outbox where that is wanted, whatever the free headers say (rule C19)', () => {
    const row = rowOf({ seq: '4711', headers: '{"outbox-seq": "7"}' })
    expect(readWireHeaders(recordOfRow(row, 't', 0, true).headers).headers).toEqual({ 'outbox-seq': '4711' })
    expect(recordOfRow(rowOf(), 't', 0).headers.map(([name]) => name)).not.toContain('outbox-seq')
  })

  test('leaves out an infinite time', () => {
    const { headers } = recordOfRow(rowOf({ created_at: 'Infinity', expires_at: '-Infinity' }), 't', 0)
    expect(headers.map(([name]) => name)).toEqual(['id', 'type', 'version'])
  })
})

test.each([
  ['1700000000', '1700000000000000'],
  ['1700000000.5', '1700000000500000'],
  ['1700000000.000001', '1700000000000001'],
  ['-5', '-5000000'],
  ['Infinity', undefined],
  ['NaN', undefined],
])('%s seconds are %s microseconds', (seconds, expected) => {
  expect(microseconds(seconds)).toBe(expected)
})
