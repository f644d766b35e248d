/** Along the sequence: a statement of an outbox of one shard reads so far at most, whatever it finds. */
const spanMost = 1_000_000n
const spanLeast = 1_000n
/** With several shards each row costs a hash, and most rows are of others. */
const spanSharded = 200_000n
const pageRowsLeast = 20
/** A read within this time may reach twice as far the next time. */
const quickMs = 100

/**
 * How far one statement reads. A read that the database does not finish in its time would be tried again for ever as it was: so the next
 * one is for less, and after quick ones for more again. It is the only thing that is remembered from one tenure to the next, and
 * nothing is concluded from it.
 */
export class ReadingReach {
  readonly #pageRowsMost: number
  #pageRows: number
  #span: bigint

  /** @param shards of the outbox */
  constructor(pageRows: number, shards: number) {
    this.#pageRowsMost = pageRows
    this.#pageRows = pageRows
    this.#span = shards === 1 ? spanMost : spanSharded
  }

  /** Rows of a page, for the next session. */
  get pageRows(): number {
    return this.#pageRows
  }

  /** Along the sequence, from one row on. */
  get span(): bigint {
    return this.#span < spanMost ? this.#span : spanMost
  }

  /** The same where only rows of certain transactions are looked at: a stretch without any costs nothing. */
  get earlySpan(): bigint {
    return this.#span
  }

  /** A read was not finished in its time. */
  shrink(): void {
    this.#pageRows = Math.max(Math.min(pageRowsLeast, this.#pageRowsMost), Math.floor(this.#pageRows / 2))
    this.#span = this.span / 4n
    if (this.#span < spanLeast) this.#span = spanLeast
  }

  /** A page was read. `full`: it was cut by its rows or bytes, and so did not reach as far as it was allowed to. */
  finished(tookMs: number, full: boolean): void {
    if (tookMs >= quickMs || full) return
    this.#span *= 2n
    if (this.#span > 1_000_000n * spanMost) this.#span = 1_000_000n * spanMost
  }

  /** A tenure went well for a while: the next session may read whole pages again. */
  recover(): void {
    this.#pageRows = Math.min(this.#pageRowsMost, this.#pageRows * 2)
  }
}
