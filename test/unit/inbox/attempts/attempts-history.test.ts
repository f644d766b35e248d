import { expect, test } from 'vitest'
import { PartitionAttempts } from '../../../../src/inbox/attempts/partition-attempts.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { RememberedAttempts } from './remembered-attempts.ts'

// Repeat a run with SEED=<the printed number>.
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
console.info(`histories of attempts: seed ${seed}`)
let state = seed >>> 0
/** 0 to below `end` (a linear congruence is good enough for it). */
const random = (end: number): number => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
  return Math.floor((state / 2 ** 32) * end)
}

const place = { group: 'billing', topic: 'order', partition: 0 }
const recordsCount = 400

class Death extends Error {}

/** What outlives the processes: the log, the committed offset, and what was applied or put among the dead letters. */
class World {
  readonly log = new RememberedAttempts()
  readonly done = new Map<number, 'applied' | 'MESSAGE_KILLS'>()
  readonly killers: ReadonlySet<number>
  readonly killed = new Map<number, number>()
  committed = 0
  processes = 0

  constructor(killers: ReadonlySet<number>) {
    this.killers = killers
  }

  get isOver(): boolean {
    return this.done.size === recordsCount
  }

  /** One process, until it dies or all is done. @param steps after which it is killed from outside */
  async live(steps: number): Promise<void> {
    const over = new AbortController()
    try {
      await this.#live(steps, over.signal)
    } finally {
      // the dead write nothing any more
      over.abort()
    }
  }

  async #live(steps: number, signal: AbortSignal): Promise<void> {
    const owner = `process ${this.processes++}`
    const attempts = await PartitionAttempts.take({
      log: this.log,
      place,
      owner,
      killsMax: 3,
      signal,
      logger: silentLogger,
    })
    const step = (): void => {
      if (--steps < 0) throw new Death('SIGKILL')
    }
    const apply = (offset: number): void => {
      if (this.done.has(offset)) return
      if (this.killers.has(offset)) {
        this.killed.set(offset, (this.killed.get(offset) ?? 0) + 1)
        throw new Death(`killed by ${offset}`)
      }
      this.done.set(offset, 'applied')
    }
    const delayed: number[] = []
    const alone = async (n: number): Promise<void> => {
      const { kind } = await attempts.beginAlone(BigInt(n))
      if (kind === 'begun') {
        step()
        apply(n)
      }
      if (kind === 'later') delayed.push(n)
      if (kind === 'given up' && !this.done.has(n)) this.done.set(n, 'MESSAGE_KILLS')
      attempts.endAlone(BigInt(n), kind !== 'later')
    }
    let next = this.committed
    while (next < recordsCount) {
      const batch = Array.from({ length: Math.min(1 + random(80), recordsCount - next) }, (_, n) => next + n)
      const suspects = attempts.fetched(
        batch.map((n) => ({ offset: BigInt(n) })),
        BigInt(recordsCount),
      )
      for (const n of batch.filter((one) => suspects?.has(BigInt(one)))) {
        await alone(n)
      }
      const rest = batch.filter((one) => !suspects?.has(BigInt(one)))
      while (rest.length > 0) {
        const some = rest.splice(0, 1 + random(20))
        const unit = { first: BigInt(some[0] ?? 0), last: BigInt(some.at(-1) ?? 0), count: some.length }
        await attempts.begin(unit)
        step()
        // those of a unit are applied together or not at all
        for (const n of some) if (this.killers.has(n) && !this.done.has(n)) apply(n)
        for (const n of some) apply(n)
        attempts.end(unit)
      }
      next += batch.length
      // what is delayed is begun, and not done
      if (random(2) === 0) this.committed = delayed[0] ?? next
    }
    for (const n of delayed) await alone(n)
  }
}

test('over 100 histories, each killer is given up before its fourth kill, and nobody else ever', async () => {
  for (let history = 0; history < 100; history++) {
    const killers = new Set(Array.from({ length: random(4) }, () => random(recordsCount)))
    const world = new World(killers)
    while (!world.isOver) {
      if (world.processes > 60) throw new Error(`history ${history} has no end`)
      await world.live(Infinity).catch((thrown: unknown) => {
        if (!(thrown instanceof Death)) throw thrown
      })
    }
    for (const n of Array.from({ length: recordsCount }, (_, one) => one))
      expect(world.done.get(n), `history ${history}, record ${n}`).toBe(
        killers.has(n) ? 'MESSAGE_KILLS' : 'applied',
      )
    for (const count of world.killed.values()) expect(count).toBeLessThanOrEqual(3)
  }
})

test('over 100 histories of three deployments by SIGKILL, no innocent is given up', async () => {
  for (let history = 0; history < 100; history++) {
    const world = new World(new Set())
    for (let deployment = 0; !world.isOver; deployment++) {
      // early, so that most come while the suspects of the last one still run; not one message needs to end between them
      const steps = deployment < 3 ? random(20) : Infinity
      await world.live(steps).catch((thrown: unknown) => {
        if (!(thrown instanceof Death)) throw thrown
      })
    }
    expect(new Set(world.done.values()), `history ${history}`).toEqual(new Set(['applied']))
  }
})
