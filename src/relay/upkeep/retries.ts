import type { Logger } from '../../kernel/logger.ts'

const pauseMsMax = 30_000
const pauseMsFirst = 1_000
/** A lock that somebody holds is nothing to speak of before it was tried so often. */
const silentTries = 5

/** Tries things again that somebody’s lock was in the way of, ever less often: each try makes others wait a little. */
export class Retries {
  readonly #logger: Logger
  readonly #waiting = new Map<string, { failures: number; notBeforeMs: number }>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /**
   * Does it unless it is too early.
   * @param complaint logged once it has failed a few times
   * @returns whether it was done
   */
  async attempt(name: string, complaint: string, work: () => Promise<boolean>): Promise<boolean> {
    const before = this.#waiting.get(name)
    if (before && performance.now() < before.notBeforeMs) return false
    if (await work()) {
      this.#waiting.delete(name)
      return true
    }
    const failures = (before?.failures ?? 0) + 1
    const pauseMs = Math.min(pauseMsMax, pauseMsFirst * 1.5 ** failures)
    this.#waiting.set(name, { failures, notBeforeMs: performance.now() + pauseMs })
    if (failures === silentTries)
      this.#logger.warn({ tries: failures }, `${complaint}: somebody holds a lock`)
    return false
  }
}
