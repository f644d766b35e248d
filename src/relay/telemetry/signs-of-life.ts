/** What a relay that owns or watches an outbox does again and again. */
type SignOfLife = 'looked' | 'saved' | 'published'

/**
 * Tells a relay that is stuck from one that waits. An owner renews its lease by saving, and it looks at the outbox again and again, or else
 * hears from a publish, well or not, within a deadline: with Kafka down that is a failure every few seconds. When one of the two has not
 * happened for several terms of the lease, no server is to blame, and only a new process helps.
 */
export class SignsOfLife {
  readonly #afterMs: number
  readonly #last: Record<SignOfLife, number> = { looked: 0, saved: 0, published: 0 }

  /** @param afterMs so long without a sign is a stall */
  constructor(afterMs: number) {
    this.#afterMs = afterMs
  }

  /** A time of ownership, or of standing by, begins. @param nowMs by `performance.now()` */
  begin(nowMs: number): void {
    this.#last.looked = this.#last.saved = this.#last.published = nowMs
  }

  /** Notes a sign. */
  note(sign: SignOfLife, nowMs: number): void {
    this.#last[sign] = nowMs
  }

  /** Why it is stuck; `undefined` while it is not. */
  stall(nowMs: number): string | undefined {
    const { looked, saved, published } = this.#last
    const workedMs = nowMs - Math.max(looked, published)
    if (workedMs > this.#afterMs)
      return `it has neither looked at the outbox nor heard from a publish for ${Math.round(workedMs)} ms`
    const savedMs = nowMs - saved
    if (savedMs > this.#afterMs)
      return `it owns the outbox and has saved nothing for ${Math.round(savedMs)} ms`
    return undefined
  }
}
