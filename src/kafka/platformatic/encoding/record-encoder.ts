import type { OutgoingRecord, RecordContent } from '../../../transport/publisher.ts'
import { varintWidth, writeVarint } from '../../../transport/record-bytes.ts'

/** Up to so many characters a loop over them is cheaper than a call out of JavaScript (measured: 20 ns each at 15). */
const loopLengthMax = 15

/** Length fields, attributes and deltas of a record; two length fields of a header. */
const recordOverheadMax = 32
const headerOverheadMax = 10

/** UTF-8 takes three bytes at most for what is one character in JavaScript. */
const bytesPerCharacterMax = 3

/** Names of headers come again and again; names made up by users are many, so the memory of them is cleared now and then. */
const knownNamesMax = 1_000
const knownNames = new Map<string, Buffer>()

/**
 * Bytes that a record takes, at most: what must be free before {@link writeRecord}. Nearly the true number where a record is ASCII times
 * three, so it is no measure of how large a record is.
 */
export function recordBytesMax(record: OutgoingRecord): number {
  if (record.content !== undefined) return recordOverheadMax + record.content.bytesMax
  const { key, value, headers } = record
  let bytes = recordOverheadMax + bytesMaxOf(key) + bytesMaxOf(value)
  for (const header of headers) bytes += headerOverheadMax + bytesMaxOf(header[0]) + bytesMaxOf(header[1])
  return bytes
}

/**
 * Writes one record in the format of Kafka’s record batches, version 2, its timestamp that of the batch. No string is measured before it is
 * written: it is taken for ASCII, whose length is known, and moved where that was wrong.
 *
 * @param at where it begins; {@link recordBytesMax} bytes must be free there
 * @param offsetDelta its place in the batch
 * @returns where it ends
 */
export function writeRecord(buffer: Buffer, at: number, record: OutgoingRecord, offsetDelta: number): number {
  if (record.content !== undefined) return writeContent(buffer, at, record.content, offsetDelta)
  const { key, value, headers } = record
  const guessed = bodyLengthOfAscii(key, value, headers, offsetDelta)
  const start = at + varintWidth(guessed)
  buffer[start] = 0 // attributes: none are defined
  buffer[start + 1] = 0 // the timestamp’s distance from the batch’s
  let end = writeVarint(buffer, start + 2, offsetDelta)
  end = writeBytes(buffer, end, key)
  end = writeBytes(buffer, end, value)
  end = writeVarint(buffer, end, headers.length)
  for (const header of headers) {
    // indexes instead of a pattern, here and below: a pattern asks for an iterator each time
    const known = knownNames.get(header[0]) ?? remembered(header[0])
    buffer.set(known, end)
    end = writeBytes(buffer, end + known.length, header[1])
  }
  return withLength(buffer, at, start, end)
}

function writeContent(buffer: Buffer, at: number, content: RecordContent, offsetDelta: number): number {
  const start = at + varintWidth(content.bytesMax)
  buffer[start] = 0 // attributes: none are defined
  buffer[start + 1] = 0 // the timestamp’s distance from the batch’s
  return withLength(buffer, at, start, content.write(buffer, writeVarint(buffer, start + 2, offsetDelta)))
}

/** Writes the length of a record before it, and moves it where the length takes more or less room than was left for it. */
function withLength(buffer: Buffer, at: number, start: number, end: number): number {
  const length = end - start
  const shift = varintWidth(length) - (start - at)
  if (shift !== 0) buffer.copyWithin(start + shift, start, end)
  writeVarint(buffer, at, length)
  return end + shift
}

function bodyLengthOfAscii(
  key: string | Buffer | null,
  value: string | Buffer | null,
  headers: OutgoingRecord['headers'],
  offsetDelta: number,
): number {
  let length =
    2 + varintWidth(offsetDelta) + asciiBytes(key) + asciiBytes(value) + varintWidth(headers.length)
  for (const header of headers) length += asciiBytes(header[0]) + asciiBytes(header[1])
  return length
}

function asciiBytes(content: string | Buffer | null): number {
  return content === null ? 1 : varintWidth(content.length) + content.length
}

function bytesMaxOf(content: string | Buffer | null): number {
  if (content === null) return 0
  return typeof content === 'string' ? content.length * bytesPerCharacterMax : content.length
}

/** A name with its length before it, as it stands in a record. */
function remembered(name: string): Buffer {
  if (knownNames.size >= knownNamesMax) knownNames.clear()
  const bytes = Buffer.allocUnsafe(headerOverheadMax + name.length * bytesPerCharacterMax)
  const written = bytes.subarray(0, writeText(bytes, 0, name))
  knownNames.set(name, written)
  return written
}

function writeBytes(buffer: Buffer, at: number, content: string | Buffer | null): number {
  if (content === null) {
    buffer[at] = 1 // minus one
    return at + 1
  }
  if (typeof content === 'string') return writeText(buffer, at, content)
  const start = writeVarint(buffer, at, content.length)
  return start + content.copy(buffer, start)
}

/** A text in UTF-8 after its length. */
function writeText(buffer: Buffer, at: number, text: string): number {
  const { length } = text
  if (length <= loopLengthMax) {
    buffer[at] = length << 1
    let index = 0
    for (; index < length; index++) {
      const character = text.charCodeAt(index)
      if (character > 127) break
      buffer[at + 1 + index] = character
    }
    if (index === length) return at + 1 + length
  }
  const start = at + varintWidth(length)
  const bytes = buffer.write(text, start)
  const shift = varintWidth(bytes) - (start - at)
  if (shift !== 0) buffer.copyWithin(start + shift, start, start + bytes)
  writeVarint(buffer, at, bytes)
  return start + shift + bytes
}
