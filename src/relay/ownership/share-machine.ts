/** Lease of a shard at one look: by whom it is held; `undefined` when nobody holds it. */
type SharedShard = { readonly shard: number; readonly owner: string | undefined }

/** What the machine keeps from look to look. */
export type ShareState = {
  /** Since when each free shard has been seen free, in milliseconds. */
  readonly freeSinceMs: ReadonlyMap<number, number>
  /** Shards above the fair share were taken because nobody else came; they are kept until then, and the next time twice as long. */
  readonly keepUntilMs: number
  readonly keepMs: number
}

/** What a look found. */
export type ShareInput = {
  readonly nowMs: number
  /** This process, as the owner of leases. */
  readonly owner: string
  /** Processes at work, this one included. */
  readonly relays: number
  readonly shards: readonly SharedShard[]
  /** Shards that this process works on, but for those that it is giving back. */
  readonly working: ReadonlySet<number>
  readonly givingBack: ReadonlySet<number>
  /** A shard that is free for so long is taken by whoever sees it, also above its share: somebody who is counted does not come for it. */
  readonly strandedAfterMs: number
  /** Free shards are taken from here on, so that processes that begin together do not all try the same one first. */
  readonly startAt: number
}

/** What is to be done. */
export type ShareDecision = { readonly take: readonly number[]; readonly giveBack: readonly number[] }

/** The beginning. */
export const noShares: ShareState = { freeSinceMs: new Map(), keepUntilMs: 0, keepMs: 0 }

/** The first time that a shard above the share is kept, and the longest. */
const keepFirstMs = 2_000
const keepMostMs = 60_000

/**
 * Shares the shards among the processes at work, so that no two differ by more than one, moving as few as possible and without a word between
 * them: each looks at the leases and counts.
 *
 * Of `s` shards and `r` processes each has at least `floor(s / r)`, and `s mod r` of them have one more: those that have most already, and
 * among equals the first by name. Whoever has more than that gives back, and whoever has less takes what is free. Two that take the odd shard at
 * once both see it at their next look, and the second by name gives it back.
 */
export function share(
  state: ShareState,
  input: ShareInput,
): { readonly state: ShareState; readonly decision: ShareDecision } {
  const { nowMs, owner, shards, working, givingBack, strandedAfterMs } = input
  const relays = Math.max(1, input.relays)
  const floor = Math.floor(shards.length / relays)
  const odd = shards.length % relays

  const held = new Map<string, number>()
  const free: number[] = []
  for (const { shard, owner: holder } of shards) {
    if (working.has(shard) || givingBack.has(shard)) continue
    if (holder === undefined || holder === owner) free.push(shard)
    else held.set(holder, (held.get(holder) ?? 0) + 1)
  }
  const mine = working.size
  const richer = [...held].filter(
    ([name, count]) => count > floor && (count > mine || (count === mine && name < owner)),
  ).length
  const above = [...held.values()].filter((count) => count > floor).length
  const mayHaveOdd = mine > floor ? richer < odd : above < odd
  const target = floor + (mayHaveOdd ? 1 : 0)

  const freeSinceMs = new Map(free.map((shard) => [shard, state.freeSinceMs.get(shard) ?? nowMs]))
  const ordered = [
    ...free.filter((shard) => shard >= input.startAt),
    ...free.filter((shard) => shard < input.startAt),
  ]
  const take = ordered.slice(0, Math.max(0, target - mine))
  let { keepUntilMs, keepMs } = state
  if (take.length === 0) {
    const stranded = ordered.find((shard) => nowMs - (freeSinceMs.get(shard) ?? nowMs) >= strandedAfterMs)
    if (stranded !== undefined) {
      take.push(stranded)
      keepMs = Math.min(keepMostMs, Math.max(keepFirstMs, keepMs * 2))
      keepUntilMs = nowMs + keepMs
    }
  }
  const surplus = nowMs < keepUntilMs ? 0 : Math.max(0, mine - target)
  const giveBack = surplus === 0 ? [] : [...working].toSorted((a, b) => b - a).slice(0, surplus)
  // nobody has been missed for as long as shards were kept: the next time it begins anew
  if (nowMs >= keepUntilMs + keepMs) keepMs = 0
  return { state: { freeSinceMs, keepUntilMs, keepMs }, decision: { take, giveBack } }
}
