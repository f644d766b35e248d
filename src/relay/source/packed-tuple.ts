/**
 * A row of the outbox as the bytes in which it came: its columns in the order of `at`, each the UTF-8 of Postgres’s text (`payload_binary`: the
 * bytes themselves) behind four bytes of length, which is -1 where it is null. No string and no array is made of it: rows of a backlog live for
 * some milliseconds, just long enough for a garbage collector to copy all that they consist of.
 */
export class PackedTuple {
  /** Where the row is, among others; for as long as its page is not released. */
  readonly bytes: Buffer
  readonly start: number
  readonly end: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.bytes = bytes
    this.start = start
    this.end = end
  }

  /** Where the length of a column stands. The columns before it are passed over, so it is cheap for the first ones. */
  placeOf(column: number): number {
    let place = this.start
    for (let passed = 0; passed < column; passed++) {
      const length = lengthAt(this.bytes, place)
      place += length > 0 ? 4 + length : 4
    }
    return place
  }

  /** The text of a column. @param isBinary whether it is bytes, written in hex after `\x` */
  text(column: number, isBinary: boolean = false): string | null {
    const place = this.placeOf(column)
    const length = lengthAt(this.bytes, place)
    if (length < 0) return null
    const [from, to] = [place + 4, place + 4 + length]
    return isBinary ? `\\x${this.bytes.toString('hex', from, to)}` : this.bytes.toString('utf8', from, to)
  }

  /** Whether a column is this text; of a text that is not ASCII it may say no. */
  is(column: number, text: string): boolean {
    const place = this.placeOf(column)
    if (lengthAt(this.bytes, place) !== text.length) return false
    for (let index = 0; index < text.length; index++)
      if (this.bytes[place + 4 + index] !== text.charCodeAt(index)) return false
    return true
  }

  /** The texts of the columns `from` to `to`, at their places; those before are left out. */
  textsFrom(from: number, to: number): (string | null)[] {
    const texts: (string | null)[] = []
    let place = this.placeOf(from)
    for (let column = 0; column < from; column++) texts.push(null)
    for (let column = from; column < to; column++) {
      const length = lengthAt(this.bytes, place)
      texts.push(length < 0 ? null : this.bytes.toString('utf8', place + 4, place + 4 + length))
      place += length > 0 ? 4 + length : 4
    }
    return texts
  }

  /** The bytes of a column, not copied. */
  slice(column: number): Buffer | null {
    const place = this.placeOf(column)
    const length = lengthAt(this.bytes, place)
    return length < 0 ? null : this.bytes.subarray(place + 4, place + 4 + length)
  }
}

/** The length that stands at a place. Written out, for it is asked for some 10 million times a second. */
export function lengthAt(bytes: Buffer, place: number): number {
  return (
    ((bytes[place] ?? 0) << 24) |
    ((bytes[place + 1] ?? 0) << 16) |
    ((bytes[place + 2] ?? 0) << 8) |
    (bytes[place + 3] ?? 0)
  )
}
