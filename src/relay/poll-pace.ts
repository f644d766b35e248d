import type { Announcements } from './wake/announcements.ts'

/** How often an outbox is looked at. */
export type PollPaceOptions = {
  /** From one look to the next at least, while rows come: looking at once would drown in small requests. Default 1 ms. */
  readonly busyMs: number
  /** Between looks when nothing has come for a while, and three times that after a minute without a row. Default 20 ms. */
  readonly idleMs: number
  /** The same while writers announce what they commit (see `createNotifier`). Default 250 ms. */
  readonly announcedIdleMs: number
}

/** The defaults. */
export const defaultPace: PollPaceOptions = { busyMs: 1, idleMs: 20, announcedIdleMs: 250 }

/** A pause is this part of the time since a look last found something: what comes ten times a second is found within milliseconds. */
const partOfIdleTime = 1 / 8

/** An outbox without a row for so long is at rest: looked at each 20 ms it would cost 2.5 % of a core for ever, at 60 ms below 1 %. */
const atRestAfterMs = 60_000
const timesIdleAtRest = 3

/** Rows that are found so soon after others need no announcement of their own: writers do not announce each commit. */
const announcedForMs = 100

/** Makes the pauses between looks at an outbox: short while rows come, ever longer while none do. */
export class PollPace {
  readonly #options: PollPaceOptions
  readonly #announcements: Announcements | undefined
  #foundAtMs = performance.now()
  #woken = false
  #isAnnounced = false
  #endPause: (() => void) | undefined

  /** @param announcements of writers; by default there are none */
  constructor(options: PollPaceOptions, announcements?: Announcements) {
    this.#options = options
    this.#announcements = announcements
  }

  /** Ends the pause that there is, or else the next one: something was committed just now. */
  wake(): void {
    this.#woken = true
    this.#isAnnounced = true
    this.#foundAtMs = performance.now()
    this.#endPause?.()
  }

  /** Pauses after a look that took `tookMs` and found something, or not. */
  async pause(found: boolean, tookMs: number): Promise<void> {
    const { busyMs, idleMs, announcedIdleMs } = this.#options
    const now = performance.now()
    if (found && !this.#isAnnounced && now - this.#foundAtMs > announcedForMs)
      this.#announcements?.foundUnannounced()
    this.#isAnnounced = false
    if (found) this.#foundAtMs = now
    const emptyForMs = now - this.#foundAtMs
    const unannouncedMs = emptyForMs > atRestAfterMs ? idleMs * timesIdleAtRest : idleMs
    const idlestMs = this.#announcements?.areTrusted
      ? Math.max(unannouncedMs, announcedIdleMs)
      : unannouncedMs
    const pauseMs = found
      ? busyMs - tookMs
      : Math.min(idlestMs, Math.max(busyMs, emptyForMs * partOfIdleTime))
    if (pauseMs > 0.2 && !this.#woken)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pauseMs)
        this.#endPause = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    this.#endPause = undefined
    this.#woken = false
  }
}
