import type { OutgoingRecord, RecordContent } from '../../transport/publisher.ts'
import { writeVarint } from '../../transport/record-bytes.ts'
import { at } from '../source/outbox-tuple.ts'
import { type PackedTuple, lengthAt } from '../source/packed-tuple.ts'
import { optionalNames, sequenceHeaderName } from './header-columns.ts'
import { headersOfTexts } from './headers-of-texts.ts'
import { microseconds } from './microseconds.ts'

/** Up to so many bytes a loop over them is cheaper than a call out of JavaScript. */
const loopBytesMax = 48

/** Names of all headers together, and the lengths of all fields. */
const namesBytesMax = 512

const columns = Object.keys(at).length - 1

/** A header’s name behind its length, as it stands in a record. */
const nameOf = (name: string): Buffer => Buffer.concat([Buffer.from([name.length << 1]), Buffer.from(name)])
const idName = nameOf('id')
const typeName = nameOf('type')
const versionName = nameOf('version')
const createdName = nameOf('created-at')
const expiresName = nameOf('expires-at')
const sequenceName = nameOf(sequenceHeaderName)
const optionalNameBytes = optionalNames.map(nameOf)

const [point, zero, nine] = [46, 48, 57]

/**
 * The record of a row that is packed: written from the row’s bytes as they are, without a string or an array in between. Whoever asks for its
 * key, its value or its headers gets them all the same. (Free headers are JSON: with such, it can only be asked.)
 */
export class PackedRecord implements OutgoingRecord {
  readonly topic: string
  readonly partition: number
  readonly #row: PackedTuple
  readonly #sequenceHeader: boolean
  readonly content?: RecordContent

  constructor(row: PackedTuple, topic: string, partition: number, sequenceHeader: boolean) {
    this.topic = topic
    this.partition = partition
    this.#row = row
    this.#sequenceHeader = sequenceHeader
    if (lengthAt(row.bytes, row.placeOf(at.headers)) < 0) this.content = this
  }

  get key(): string {
    return this.#row.text(at.aggregateid) ?? ''
  }

  /** A copy: whoever asks for it may keep it for longer than the row is there. */
  get value(): Buffer | null {
    const bytes = this.#row.slice(at.payload) ?? this.#row.slice(at.payload_binary)
    return bytes && Buffer.from(bytes)
  }

  get headers(): OutgoingRecord['headers'] {
    return headersOfTexts(
      this.#row.textsFrom(at.headers, columns),
      this.#sequenceHeader ? (this.#row.text(at.seq) ?? '') : undefined,
    )
  }

  get bytesMax(): number {
    return this.#row.end - this.#row.start + namesBytesMax
  }

  /** See {@link RecordContent}. */
  write(target: Buffer, from: number): number {
    const { bytes, start } = this.#row
    let place = this.#row.placeOf(at.aggregateid)
    let end = writeField(target, from, bytes, place)
    place = next(bytes, place)
    const binary = next(bytes, place)
    end = writeField(target, end, bytes, lengthAt(bytes, place) < 0 ? binary : place)
    place = next(bytes, next(bytes, binary)) // over the free headers, of which there are none
    const countAt = end++
    let count = 3
    end = writeField(target, writeName(target, end, idName), bytes, place)
    place = next(bytes, place)
    end = writeField(target, writeName(target, end, typeName), bytes, place)
    place = next(bytes, place)
    end = writeField(target, writeName(target, end, versionName), bytes, place)
    place = next(bytes, place)
    let before = end
    end = writeTime(target, end, createdName, bytes, place)
    if (end !== before) count++
    place = next(bytes, place)
    for (let index = 0; index < optionalNameBytes.length; index++) {
      if (lengthAt(bytes, place) >= 0) {
        end = writeField(target, writeName(target, end, optionalNameBytes[index] ?? idName), bytes, place)
        count++
      }
      place = next(bytes, place)
    }
    before = end
    end = writeTime(target, end, expiresName, bytes, place)
    if (end !== before) count++
    if (this.#sequenceHeader) {
      end = writeField(target, writeName(target, end, sequenceName), bytes, start)
      count++
    }
    target[countAt] = count << 1
    return end
  }
}

/** Where the next column stands. */
function next(bytes: Buffer, place: number): number {
  const length = lengthAt(bytes, place)
  return length > 0 ? place + 4 + length : place + 4
}

function writeName(target: Buffer, end: number, name: Buffer): number {
  for (let index = 0; index < name.length; index++) target[end + index] = name[index] ?? 0
  return end + name.length
}

/** A column behind its length. */
function writeField(target: Buffer, end: number, bytes: Buffer, place: number): number {
  const length = lengthAt(bytes, place)
  if (length < 0) {
    target[end] = 1 // minus one
    return end + 1
  }
  return copy(bytes, place + 4, length, target, writeVarint(target, end, length))
}

function copy(bytes: Buffer, from: number, length: number, target: Buffer, end: number): number {
  if (length > loopBytesMax) return end + bytes.copy(target, end, from, from + length)
  for (let index = 0; index < length; index++) target[end + index] = bytes[from + index] ?? 0
  return end + length
}

/** A header with a time, in microseconds; none where there is no time. The usual text, seconds with a point, is taken as digits. */
function writeTime(target: Buffer, end: number, name: Buffer, bytes: Buffer, place: number): number {
  const length = lengthAt(bytes, place)
  if (length < 0) return end
  const [from, to] = [place + 4, place + 4 + length]
  let pointAt = from
  while (pointAt < to && isDigit(bytes[pointAt])) pointAt++
  const digits = pointAt - from + 6
  if (pointAt - from > 2 && bytes[pointAt] === point && to - pointAt <= 7) {
    let at = writeVarint(target, writeName(target, end, name), digits)
    for (let index = from; index < pointAt; index++) target[at++] = bytes[index] ?? zero
    for (let index = pointAt + 1; index < pointAt + 7; index++)
      target[at++] = index < to ? (bytes[index] ?? zero) : zero
    return at
  }
  const text = microseconds(bytes.toString('latin1', from, to))
  if (text === undefined) return end
  const at = writeVarint(target, writeName(target, end, name), text.length)
  return at + target.write(text, at, 'latin1')
}

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= zero && byte <= nine
}
