import { expect, test } from 'vitest'
import { z } from 'zod'
import { raw } from '../../../../src/inbox/formats/raw.ts'
import { recordId } from '../../../../src/inbox/record-id.ts'
import { newId } from '../../../../src/kernel/ids.ts'
import { recordWith } from '../records.ts'
import { placed, readAs } from './read-as.ts'

const bytes = { ...placed, schema: z.instanceof(Buffer) }

test('the bytes are handed to the schema as they are, and no header means anything', () => {
  const value = Buffer.from([0, 1, 0xff])
  const headers = { id: '17', type: 'a type of theirs', version: 'x', 'content-type': 'application/avro' }
  const record = recordWith({ value, headers })
  expect(readAs(record, raw(), [bytes])).toMatchObject({
    id: recordId(record),
    body: value,
    headers,
    context: {},
  })
})

test('bytes may be decoded first, and are validated then', () => {
  const csv = raw({
    decode: (value) => {
      const [orderId, total] = value.toString().split(',')
      return { orderId, total: Number(total) }
    },
  })
  expect(readAs(recordWith({ value: Buffer.from('o1,5') }), csv)).toMatchObject({
    body: { orderId: 'o1', total: 5 },
  })
  expect(readAs(recordWith({ value: Buffer.from('o1,much') }), csv)).toMatchObject({
    code: 'MESSAGE_MALFORMED',
  })
})

test('what decoding throws makes a dead letter, named by its place whatever its headers say', () => {
  const failing = raw({
    decode: () => {
      throw new Error('magic byte 0x01')
    },
  })
  const record = recordWith({ value: Buffer.from('x'), headers: { id: newId() } })
  expect(readAs(record, failing)).toEqual({
    code: 'MESSAGE_MALFORMED',
    reason: expect.stringContaining('magic byte 0x01'),
    id: recordId(record),
  })
  expect(readAs(recordWith({ value: Buffer.alloc(20_001) }), failing)).toMatchObject({
    code: 'MESSAGE_TOO_LARGE',
  })
})

test('a record may be named and typed by what it holds', () => {
  const other = { ...bytes, type: 'order.shipped' }
  const format = raw({ id: ({ key }) => key?.toString(), type: ({ value }) => value?.toString() })
  const at = (offset: bigint, key: string, value = 'order.shipped') =>
    readAs(recordWith({ offset, key, value: Buffer.from(value) }), format, [bytes, other])
  const [one, again, different] = [at(1n, 'a'), at(2n, 'a'), at(1n, 'b')].map((reading) =>
    typeof reading === 'object' && 'body' in reading ? [reading.type, reading.id] : reading,
  )
  expect(one).toEqual(['order.shipped', expect.any(String)])
  expect(again).toEqual(one)
  expect(different).not.toEqual(one)
  expect(at(1n, 'a', 'order.lost')).toBe('skipped')
})

test('a record without a value deletes its key', () => {
  expect(readAs(recordWith({}), raw(), [{ ...bytes, takesTombstones: true }])).toMatchObject({ body: null })
  expect(readAs(recordWith({}), raw(), [bytes])).toBe('skipped')
})
