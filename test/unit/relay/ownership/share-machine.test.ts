import { describe, expect, test } from 'vitest'
import { noShares, type ShareState, share } from '../../../../src/relay/ownership/share-machine.ts'

/** Processes that share shards through leases, each looking by itself, at times of its own. */
class Parish {
  readonly leases: (string | undefined)[]
  readonly #relays = new Map<string, { state: ShareState; frozen: boolean; startAt: number }>()
  moves = 0
  nowMs = 0

  constructor(shards: number) {
    this.leases = Array.from({ length: shards }, () => undefined)
  }

  join(...names: readonly string[]): void {
    for (const [n, name] of names.entries())
      this.#relays.set(name, { state: noShares, frozen: false, startAt: (n * 3) % this.leases.length })
  }

  /** It vanishes with its session, and its leases run out. */
  kill(name: string): void {
    this.#relays.delete(name)
    this.leases.forEach((owner, shard) => owner === name && (this.leases[shard] = undefined))
  }

  /** It is counted still, and its leases run out. */
  freeze(name: string): void {
    const relay = this.#relays.get(name)
    if (relay) relay.frozen = true
    this.leases.forEach((owner, shard) => owner === name && (this.leases[shard] = undefined))
  }

  thaw(name: string): void {
    const relay = this.#relays.get(name)
    if (relay) relay.frozen = false
  }

  /** All look at the same leases, and then all act: the worst that can happen. */
  round(passesMs: number = 200): void {
    this.nowMs += passesMs
    const seen = [...this.leases]
    const acts = [...this.#relays].flatMap(([owner, relay]) => {
      if (relay.frozen) return []
      const { state, decision } = share(relay.state, {
        nowMs: this.nowMs,
        owner,
        relays: this.#relays.size,
        shards: seen.map((holder, shard) => ({ shard, owner: holder })),
        working: new Set(seen.flatMap((holder, shard) => (holder === owner ? shard : []))),
        givingBack: new Set(),
        strandedAfterMs: 1_000,
        startAt: relay.startAt,
      })
      relay.state = state
      return [{ owner, decision }]
    })
    for (const { owner, decision } of acts) {
      for (const shard of decision.giveBack) this.leases[shard] = undefined
      for (const shard of decision.take)
        if (this.leases[shard] === undefined && seen[shard] === undefined) {
          this.leases[shard] = owner
          this.moves++
        }
    }
  }

  rounds(count: number): void {
    for (let n = 0; n < count; n++) this.round()
  }

  get shares(): number[] {
    return [...this.#relays.keys()]
      .map((name) => this.leases.filter((owner) => owner === name).length)
      .toSorted((a, b) => b - a)
  }

  get names(): string[] {
    return [...this.#relays.keys()]
  }
}

function expectFair(parish: Parish, after: string): void {
  expect(parish.leases, after).not.toContain(undefined)
  const { shares } = parish
  expect((shares[0] ?? 0) - (shares.at(-1) ?? 0), `${after}: ${shares.join(', ')}`).toBeLessThanOrEqual(1)
}

describe('shards are shared', () => {
  test.each([
    [8, 3, [3, 3, 2]],
    [4, 3, [2, 1, 1]],
    [1, 3, [1, 0, 0]],
    [3, 5, [1, 1, 1, 0, 0]],
    [16, 1, [16]],
  ])('%i among %i processes that begin at once', (shards, relays, shares) => {
    const parish = new Parish(shards)
    parish.join(...Array.from({ length: relays }, (_, n) => `relay-${n}`))
    parish.rounds(20)
    expect(parish.shares).toEqual(shares)
    const { moves } = parish
    parish.rounds(50)
    expect(parish.moves, 'nothing moves any more').toBe(moves)
  })

  test('anew when a process comes or goes, and no more of them move than must', () => {
    const parish = new Parish(8)
    parish.join('a')
    parish.rounds(3)
    expect(parish.shares).toEqual([8])
    for (const [name, moved] of [
      ['b', 4],
      ['c', 2],
      ['d', 2],
    ] as const) {
      const before = parish.moves
      parish.join(name)
      parish.rounds(20)
      expectFair(parish, name)
      expect(parish.moves - before, `moves for ${name}`).toBe(moved)
    }
    const before = parish.moves
    parish.kill('b')
    parish.rounds(20)
    expectFair(parish, 'b has gone')
    expect(parish.moves - before).toBe(2)
  })

  test('of one that is frozen are taken by the others after a while, and it gets a share again when it wakes', () => {
    const parish = new Parish(6)
    parish.join('a', 'b', 'c')
    parish.rounds(20)
    parish.freeze('b')
    parish.rounds(3)
    expect(parish.leases).toContain(undefined)
    parish.rounds(20)
    expect(parish.leases).not.toContain(undefined)
    parish.thaw('b')
    parish.rounds(700)
    expectFair(parish, 'b is back')
  })

  test('fairly within thirty looks after whatever comes and goes', () => {
    for (let seed = 1; seed <= 60; seed++) {
      let state = seed * 2_654_435_761
      const random = (below: number): number => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return Math.floor((state / 2 ** 32) * below)
      }
      const parish = new Parish(1 + random(12))
      parish.join('relay-0')
      let next = 1
      for (let change = 0; change < 12; change++) {
        if (parish.names.length > 1 && random(2) === 0)
          parish.kill(parish.names[random(parish.names.length)] ?? '')
        else parish.join(`relay-${next++}`)
        parish.rounds(random(4))
      }
      parish.rounds(30)
      expectFair(parish, `seed ${seed}`)
    }
  })
})
