/**
 * The time between two joins of a group: what a member was assigned is its own as long as its tenure lasts. (A generation of the group,
 * as the member sees it.)
 */
export class Tenure {
  readonly #controller = new AbortController()
  readonly #over = Promise.withResolvers<void>()
  #isOver = false

  /** Aborts once the group begins to deal out its partitions anew, or the member leaves. A commit may still succeed for a moment. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Whether this member has asked to join again: from here on a commit would be sent under the next generation, so none may be. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Resolves when it is over. */
  get over(): Promise<void> {
    return this.#over.promise
  }

  /** Resolves once the promise has settled, or this tenure begins to end. Never rejects. */
  waitFor(promise: Promise<unknown>): Promise<void> {
    const { signal } = this
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      // a tenure may outlive a million pauses: nothing may stay behind on it
      const end = (): void => {
        signal.removeEventListener('abort', end)
        resolve()
      }
      signal.addEventListener('abort', end)
      promise.then(end, end)
    })
  }

  /** Begin no more work; finish what is in hand. */
  windDown(): void {
    this.#controller.abort()
  }

  end(): void {
    this.#isOver = true
    this.windDown()
    this.#over.resolve()
  }
}
