import { crc32 } from 'node:zlib'

/**
 * 64 bits of a record’s value: its length above its CRC-32, and -1 for a tombstone. Two bodies under one id are told apart by it: not
 * against an attacker, but against a producer that uses an id twice.
 *
 * @example fingerprintOf(Buffer.from('{}')) // (2n << 32n) | 2747063807n
 */
export function fingerprintOf(value: Buffer | null): bigint {
  return value === null ? -1n : (BigInt(value.length) << 32n) | BigInt(crc32(value))
}
