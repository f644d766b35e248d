/**
 * One lane a partition, so that never two of its batches are handled at once (not even when the partition went and came back while the
 * first was still in hand), and a limit to how many lanes work at the same time.
 */
export class BatchLanes {
  readonly #busy = new Map<string, Promise<void>>()
  readonly #waiting: (() => void)[] = []
  #slotsLeft: number

  constructor(slotsMax: number) {
    this.#slotsLeft = slotsMax
  }

  /** Resolves when the lane’s batch has returned; `undefined` when the lane is free. */
  busy(lane: string): Promise<void> | undefined {
    return this.#busy.get(lane)
  }

  /** Handles a batch in its lane, which must be free, once a slot is. */
  async run<Result>(lane: string, handle: () => Promise<Result>): Promise<Result> {
    const handling = this.#slot()
      .then(handle)
      .finally(() => this.#release())
    this.#busy.set(
      lane,
      handling.then(
        () => void this.#busy.delete(lane),
        () => void this.#busy.delete(lane),
      ),
    )
    return handling
  }

  /** Resolves when no batch is in hand. */
  async idle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy.values())
  }

  #slot(): Promise<void> {
    if (this.#slotsLeft > 0) {
      this.#slotsLeft -= 1
      return Promise.resolve()
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#slotsLeft += 1
    else next()
  }
}
