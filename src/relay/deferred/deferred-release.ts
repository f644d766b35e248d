import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { DeferredSession } from './deferred-session.ts'

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
/** After a failure: somebody held a lock, or we lack the right. */
const againAfterMs = 30_000

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
 */
export class DeferredRelease {
  readonly #options: DeferredReleaseOptions
  #timer: NodeJS.Timeout | undefined
  #stopped = false
  #from: string | null = null
  #fullLookAtMs = 0

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
    const { session, owner, epoch, signals, logger, onReleased } = this.#options
    const beganAtMs = performance.now()
    const isFull = beganAtMs >= this.#fullLookAtMs
    await signals.reach('relay.deferred.before')
    const released = await session.releaseDue({ epoch, owner, from: isFull ? null : this.#from })
    if (!released) {
      logger.warn(
        {},
        'deferred messages could not be released: a lock was held, or the right to do it is missing',
      )
      return againAfterMs
    }
    const tookMs = performance.now() - beganAtMs
    if (isFull) this.#fullLookAtMs = beganAtMs + Math.max(fullLookEveryMs, tookMs * fullLookShare)
    this.#from = released.next
    if (released.count > 0) {
      await signals.reach('relay.deferred.after')
      logger.debug({ count: released.count }, 'deferred messages were released')
      onReleased()
    }
    if (released.more) return 0
    return Math.max(1, Math.min(lookEveryMs, released.untilNextMs ?? lookEveryMs))
  }
}
