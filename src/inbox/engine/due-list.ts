/** Things that are due at some time, the earliest first: a binary heap. */
export class DueList<Item> {
  #heap: { readonly dueMs: number; readonly item: Item }[] = []

  get nextMs(): number {
    return this.#heap[0]?.dueMs ?? Infinity
  }

  add(dueMs: number, item: Item): void {
    const heap = this.#heap
    const own = { dueMs, item }
    let at = heap.push(own) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const other = heap[above]
      if (other === undefined || other.dueMs <= dueMs) break
      heap[at] = other
      at = above
    }
    heap[at] = own
  }

  /** Takes one that is due by `nowMs`. */
  take(nowMs: number): Item | undefined {
    const heap = this.#heap
    const first = heap[0]
    if (first === undefined || first.dueMs > nowMs) return undefined
    const last = heap.pop()
    if (last !== undefined && heap.length > 0) this.#sink(last)
    return first.item
  }

  /** Forgets those for which `isOver` is true. */
  forget(isOver: (item: Item) => boolean): void {
    const rest = this.#heap.filter(({ item }) => !isOver(item))
    this.#heap = []
    for (const { dueMs, item } of rest) this.add(dueMs, item)
  }

  #sink(own: { readonly dueMs: number; readonly item: Item }): void {
    const heap = this.#heap
    let at = 0
    for (;;) {
      let below = 2 * at + 1
      const right = heap[below + 1]
      let other = heap[below]
      if (right !== undefined && other !== undefined && right.dueMs < other.dueMs) {
        other = right
        below += 1
      }
      if (other === undefined || other.dueMs >= own.dueMs) break
      heap[at] = other
      at = below
    }
    heap[at] = own
  }
}
