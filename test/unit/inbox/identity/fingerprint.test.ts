import { expect, test } from 'vitest'
import { fingerprintOf } from '../../../../src/inbox/identity/fingerprint.ts'
import { reusedId } from '../../../../src/inbox/identity/reused-id.ts'
import { isUuid, newId } from '../../../../src/kernel/ids.ts'

test('a fingerprint is the length above the CRC-32, and a tombstone has one of its own', () => {
  expect(fingerprintOf(Buffer.from('123456789'))).toBe((9n << 32n) | 0xcbf43926n)
  expect(fingerprintOf(Buffer.alloc(0))).toBe(0n)
  expect(fingerprintOf(null)).toBe(-1n)
  expect(fingerprintOf(Buffer.from('a'))).not.toBe(fingerprintOf(Buffer.from('b')))
})

test('a reused id gives one id for each other body', () => {
  const id = newId()
  expect(isUuid(reusedId(id, 1n))).toBe(true)
  expect(reusedId(id, 1n)).toBe(reusedId(id.toUpperCase(), 1n))
  expect(new Set([id, reusedId(id, 1n), reusedId(id, 2n), reusedId(newId(), 1n)]).size).toBe(4)
})
