import type { Clock } from '../../kernel/clock.ts'

/** One timer for all that has to be done later. */
export class Alarm {
  readonly #clock: Clock
  readonly #ring: () => void
  #atMs = Infinity
  #pause: AbortController | undefined

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock
    this.#ring = ring
  }

  /** Rings at this time, or before it where it was set so. */
  set(atMs: number): void {
    if (atMs >= this.#atMs) return
    this.off()
    this.#atMs = atMs
    const pause = new AbortController()
    this.#pause = pause
    void this.#clock.pause(Math.max(0, atMs - this.#clock.now()), pause.signal).then(() => {
      if (pause.signal.aborted) return
      this.#atMs = Infinity
      this.#pause = undefined
      this.#ring()
    })
  }

  off(): void {
    this.#pause?.abort()
    this.#pause = undefined
    this.#atMs = Infinity
  }
}
