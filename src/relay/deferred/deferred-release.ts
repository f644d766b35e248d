import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { DeferredKey, DeferredSession, Released, ReleaseRefused } from './deferred-session.ts'

/** Messages that others deferred since the last look are seen so late at worst. Idle, a look costs one probe of an index. */
const lookEveryMs = 250
/**
 * So often everything is looked at, from the earliest due time on, for the sake of transactions that committed after their message was due.
 * Other looks begin where the last one ended: behind a snapshot that somebody holds, the messages released before it lie in the index as
 * dead entries, 20 ms for 300,000 of them (measured).
 */
const fullLookEveryMs = 10_000
/** A full look takes a hundredth of the time at most. */
const fullLookShare = 100
/** After a refusal: somebody held a lock, we lack the right, or the outbox does not take a message. */
const againAfterMs = 30_000
/** Messages that one statement releases at most: it must end well before the lease. */
const rowsMaxMost = 500
/** Keys whose first message is refused, while others go on. With more of them all wait: it is not the messages. */
const refusedKeysMax = 100

/** What a release needs. */
export type DeferredReleaseOptions = {
  readonly session: DeferredSession
  readonly owner: string
  readonly epoch: bigint
  readonly signals: TestSignals
  readonly logger: Logger
  /** Called when messages have come into the outbox. */
  readonly onReleased: () => void
  /** Told once when the session is of no use any more. */
  readonly onFailure: (error: unknown) => void
}

/**
 * Moves messages that are due into the outbox, for as long as its owner’s tenure lasts. It goes beside the publishing: its statements line up
 * on the one session, and nothing waits for it.
 *
 * A message that the outbox refuses, for a constraint or a trigger that somebody made, is found by moving fewer and fewer at a time. It waits, and
 * those of its key behind it, until it is tried again; all others go on.
 */
export class DeferredRelease {
  readonly #options: DeferredReleaseOptions
  /** Keys that wait, and until when. */
  readonly #refused = new Map<string, { readonly key: DeferredKey; readonly untilMs: number }>()
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #from: string | null = null
  #fullLookAtMs = 0
  #rowsMax = rowsMaxMost

  constructor(options: DeferredReleaseOptions) {
    this.#options = options
  }

  start(): void {
    this.#lookIn(0)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #lookIn(ms: number): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), ms)
  }

  async #look(): Promise<void> {
    try {
      this.#lookIn(await this.#release())
    } catch (error) {
      if (this.#stopped) return
      this.stop()
      this.#options.onFailure(error)
    }
  }

  /** @returns milliseconds until the next look */
  async #release(): Promise<number> {
    const { session, owner, epoch, signals } = this.#options
    const beganAtMs = performance.now()
    for (const [name, { untilMs }] of this.#refused) {
      if (beganAtMs < untilMs) continue
      this.#refused.delete(name)
      // it is due since long
      this.#fullLookAtMs = 0
    }
    const isFull = beganAtMs >= this.#fullLookAtMs
    await signals.reach('relay.deferred.before')
    const release = {
      epoch,
      owner,
      from: isFull ? null : this.#from,
      rowsMax: this.#rowsMax,
      without: [...this.#refused.values()].map(({ key }) => key),
    }
    const released = await session.releaseDue(release)
    if (!('refused' in released)) return this.#released(released, isFull, beganAtMs)
    const { refused } = released
    if (!refused.isOfMessage) return this.#wait(refused)
    if (this.#rowsMax > 1) {
      this.#rowsMax = Math.max(1, this.#rowsMax >> 2)
      return 0
    }
    const key = await session.firstDue(release)
    // somebody has taken it back
    if (!key) return lookEveryMs
    if (this.#refused.size >= refusedKeysMax) return this.#wait(refused)
    this.#refused.set(`${key.aggregateType}\0${key.key}`, { key, untilMs: performance.now() + againAfterMs })
    this.#options.logger.warn(
      { ...key, sqlState: refused.state, reason: refused.reason, againAfterMs },
      'a deferred message is refused by the outbox: it waits, and those of its key behind it',
    )
    return 0
  }

  async #released(released: Released, isFull: boolean, beganAtMs: number): Promise<number> {
    const { signals, logger, onReleased } = this.#options
    const tookMs = performance.now() - beganAtMs
    // what was left of it is looked at from where it ended
    if (isFull) this.#fullLookAtMs = beganAtMs + Math.max(fullLookEveryMs, tookMs * fullLookShare)
    this.#from = released.next
    this.#rowsMax = Math.min(rowsMaxMost, this.#rowsMax * 4)
    if (released.count > 0) {
      await signals.reach('relay.deferred.after')
      logger.debug({ count: released.count }, 'deferred messages were released')
      onReleased()
    }
    if (released.more) return 0
    return Math.max(1, Math.min(lookEveryMs, released.untilNextMs ?? lookEveryMs))
  }

  /** All wait. */
  #wait({ state, reason }: ReleaseRefused['refused']): number {
    this.#refused.clear()
    this.#fullLookAtMs = 0
    this.#options.logger.warn(
      { sqlState: state, reason, againAfterMs },
      'deferred messages could not be released: a lock was held, the right to do it is missing, or the outbox takes none',
    )
    return againAfterMs
  }
}
