import { createHash, randomFillSync } from 'node:crypto'

/**
 * Makes a new message or saga id: a UUID of version 7 (RFC 9562), which begins with the time in milliseconds. Ids that grow with time
 * keep the inserts of an index in one place and let the inbox be cut into partitions by id.
 */
export function newId(nowMs: number = Date.now()): string {
  const bytes = randomFillSync(Buffer.allocUnsafe(16))
  bytes.writeUIntBE(nowMs, 0, 6)
  return stamp(bytes, 7)
}

/**
 * Derives an id from another one and from what distinguishes the new one, so that doing the same work again names its messages the same.
 * The result is a UUID of version 8 which keeps the 48 bits of time of `from`, so that it falls into the same partition of an inbox.
 *
 * The parts are hashed with their lengths, so that no two lists give the same id (a number counts as its decimal text).
 *
 * @example
 * deriveId(command.id, 'reply') // the id of the reply to this very command
 */
export function deriveId(from: string, ...parts: readonly (string | number)[]): string {
  const parent = from.toLowerCase() // the same UUID whatever its case
  const lengths = [parent, ...parts].map((part) => `${String(part).length}:${part}`)
  // UTF-16, for in UTF-8 all lone surrogates are the same
  const bytes = createHash('sha256').update(lengths.join(''), 'utf16le').digest().subarray(0, 16)
  Buffer.from(parent.replaceAll('-', '').slice(0, 12), 'hex').copy(bytes, 0)
  return stamp(bytes, 8)
}

const timeMsMax = 2 ** 48 - 1

/**
 * The least id of a time, for {@link deriveId}: what is derived from it falls into the partition of an inbox for that time. Times that an id
 * cannot hold become the nearest that it can.
 * @param timeMs since 1970
 */
export function idOfTime(timeMs: number): string {
  const ms = Math.min(Math.max(Math.trunc(timeMs) || 0, 0), timeMsMax)
  const time = ms.toString(16).padStart(12, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-8000-8000-000000000000`
}

/** Whether a text is a UUID in its usual form. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text)
}

function stamp(bytes: Buffer, version: number): string {
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | (version << 4)
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
