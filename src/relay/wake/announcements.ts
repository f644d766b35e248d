/** For so long after rows that nobody announced the outbox is looked at as often as without announcements. */
const distrustMs = 60_000
/** An announcement may come so much later than its rows: it is sent after the commit, and not with each one. */
const lateMs = 100

/**
 * Whether writers say so when they have committed. Only then may an idle outbox be looked at seldom: the connection that listens is proven to
 * hear, it has heard a writer, and for a while no row was found that came without a word (plain SQL does not announce itself).
 */
export class Announcements {
  /** Whether the connection that listens is proven to hear. */
  isListening = false
  #heardAtMs = Number.NEGATIVE_INFINITY
  #unannouncedAtMs = Number.NEGATIVE_INFINITY
  #suspectedAtMs = Number.NEGATIVE_INFINITY

  /** A writer has committed. */
  heard(): void {
    this.#heardAtMs = performance.now()
    if (this.#heardAtMs - this.#suspectedAtMs <= lateMs) this.#suspectedAtMs = Number.NEGATIVE_INFINITY
  }

  /** Rows were found that nobody had announced yet. */
  foundUnannounced(): void {
    this.#settle()
    this.#suspectedAtMs = performance.now()
  }

  /** Whether rows can be expected to be announced. */
  get areTrusted(): boolean {
    this.#settle()
    return (
      this.isListening &&
      this.#heardAtMs > Number.NEGATIVE_INFINITY &&
      performance.now() - this.#unannouncedAtMs > distrustMs
    )
  }

  #settle(): void {
    if (performance.now() - this.#suspectedAtMs <= lateMs) return
    this.#unannouncedAtMs = Math.max(this.#unannouncedAtMs, this.#suspectedAtMs)
    this.#suspectedAtMs = Number.NEGATIVE_INFINITY
  }
}
