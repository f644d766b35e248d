/** Bytes that are being decompressed: what comes next may repeat what stands before it. */
export class OutputBuffer {
  #bytes: Buffer
  #length = 0

  /** @param capacity about how many bytes will come; more are taken as well */
  constructor(capacity: number) {
    this.#bytes = Buffer.allocUnsafe(Math.max(capacity, 64))
  }

  /** What has come so far. */
  get written(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Appends bytes of the input. @throws `RangeError` where it has less */
  append(input: Buffer, start: number, end: number): void {
    if (end > input.length) throw new RangeError('compressed bytes end too early')
    this.#reserve(end - start)
    this.#length += input.copy(this.#bytes, this.#length, start, end)
  }

  /** Appends bytes that stand `distance` before the end, themselves included where there are more. @throws `RangeError` */
  repeat(distance: number, count: number): void {
    if (distance < 1 || distance > this.#length) throw new RangeError('compressed bytes refer to none')
    this.#reserve(count)
    const from = this.#length - distance
    // What overlaps is copied in runs that double.
    for (let copied = 0; copied < count; ) {
      const run = Math.min(distance + copied, count - copied)
      this.#bytes.copyWithin(this.#length + copied, from, from + run)
      copied += run
    }
    this.#length += count
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + count))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}
