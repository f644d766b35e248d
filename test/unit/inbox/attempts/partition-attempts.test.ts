import { describe, expect, test } from 'vitest'
import { nothingStarted } from '../../../../src/inbox/attempts/attempt-log.ts'
import { PartitionAttempts } from '../../../../src/inbox/attempts/partition-attempts.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { RememberedAttempts } from './remembered-attempts.ts'

const place = { group: 'billing', topic: 'order', partition: 0 }
const unit = (first: bigint, last: bigint = first) => ({ first, last, count: Number(last - first) + 1 })
const records = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, n) => ({ offset: BigInt(first + n) }))

function taken(
  log: RememberedAttempts,
  owner: string = 'one',
  signal: AbortSignal = new AbortController().signal,
): Promise<PartitionAttempts> {
  return PartitionAttempts.take({ log, place, owner, killsMax: 3, signal, logger: silentLogger })
}

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the attempts of a partition', () => {
  test('a unit waits for the row that says it, and units beside it for the same write', async () => {
    const log = new RememberedAttempts()
    const gate = Promise.withResolvers<void>()
    log.beforeNote = () => gate.promise
    const attempts = await taken(log)
    attempts.fetched(records(0, 99), 100n)
    let begun = 0
    const waits = [unit(0n), unit(1n), unit(2n, 50n)].map(async (one) => {
      await attempts.begin(one)
      begun += 1
    })
    await nextTurn()
    expect(begun).toBe(0)
    gate.resolve()
    await Promise.all(waits)
    expect(begun).toBe(3)
    expect(log.notes.length).toBeLessThanOrEqual(2)
    expect(attempts.begin(unit(60n))).toBeUndefined()
  })

  test('writes never overtake each other', async () => {
    const log = new RememberedAttempts()
    let running = 0
    let mostAtOnce = 0
    log.beforeNote = async () => {
      running += 1
      mostAtOnce = Math.max(mostAtOnce, running)
      await nextTurn()
      running -= 1
    }
    const attempts = await taken(log)
    for (let n = 0; n < 200; n++) {
      attempts.fetched(records(n * 10, n * 10 + 9), 10_000n)
      const one = unit(BigInt(n * 10), BigInt(n * 10 + 9))
      void attempts.begin(one)
      if (n % 7 === 0) await nextTurn()
      attempts.end(one)
      if (n % 11 === 0) {
        await attempts.beginAlone(BigInt(n))
        attempts.endAlone(BigInt(n), true)
      }
    }
    await attempts.giveBack()
    expect(mostAtOnce).toBe(1)
    expect(log.row(place)).toMatchObject({ range: undefined, alone: undefined, isGivenBack: true })
  })

  test('a row that cannot be written holds the unit back, and the next try writes it', async () => {
    const log = new RememberedAttempts()
    log.beforeNote = () => Promise.reject(new BackstitchError('DATABASE_UNREACHABLE', 'gone'))
    const attempts = await taken(log)
    attempts.fetched(records(0, 9), 10n)
    const one = unit(0n)
    await expect(attempts.begin(one)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
    attempts.end(one)
    log.beforeNote = () => Promise.resolve()
    await attempts.begin(one)
    expect(log.row(place)?.range?.first).toBe(0n)
  })

  test('a suspect that has ended in this process is not alone in the row for long, without a message after it', async () => {
    const log = new RememberedAttempts()
    const first = await taken(log)
    first.fetched(records(0, 9), 10n)
    await first.begin(unit(0n, 9n))
    const second = await taken(log, 'two')
    expect(second.fetched(records(0, 9), 10n)?.size).toBe(10)
    expect(await second.beginAlone(0n)).toEqual({ kind: 'begun' })
    expect(log.row(place)?.alone).toBe(0n)
    second.endAlone(0n, false)
    await nextTurn()
    await nextTurn()
    expect(log.row(place)?.alone).toBeUndefined()
  })

  test('suspects that follow one another cost one write each', async () => {
    const log = new RememberedAttempts()
    const first = await taken(log)
    first.fetched(records(0, 99), 100n)
    await first.begin(unit(0n, 99n))
    const second = await taken(log, 'two')
    second.fetched(records(0, 99), 100n)
    log.notes.length = 0
    for (let offset = 0n; offset < 100n; offset++) {
      await second.beginAlone(offset)
      second.endAlone(offset, true)
    }
    await nextTurn()
    expect(log.notes.length).toBeLessThanOrEqual(101)
    await second.giveBack()
    expect(log.row(place)).toMatchObject({ range: undefined, others: [], deaths: [] })
  })

  test('a frozen owner that wakes up and hears that its time is over writes in vain', async () => {
    const log = new RememberedAttempts()
    const over = new AbortController()
    const frozen = await taken(log, 'one', over.signal)
    frozen.fetched(records(0, 9), 10n)
    await frozen.begin(unit(0n, 9n))
    const next = await taken(log, 'two')
    next.fetched(records(0, 9), 10n)
    await next.beginAlone(0n)
    over.abort()
    frozen.fetched(records(10, 900), 901n)
    await expect(frozen.begin(unit(10n, 900n))).rejects.toMatchObject({ code: 'TRANSACTION_CONFLICT' })
    await frozen.giveBack()
    expect(log.row(place)).toMatchObject({ alone: 0n, isGivenBack: false })
  })

  test('an owner whose row was taken by one that had not heard yet takes it again', async () => {
    const log = new RememberedAttempts()
    const owner = await taken(log)
    owner.fetched(records(0, 9), 10n)
    const late = await taken(log, 'two')
    await owner.begin(unit(0n, 9n))
    expect(log.row(place)?.range?.first).toBe(0n)
    late.fetched(records(500, 509), 510n)
    await late.giveBack()
    owner.fetched(records(10, 900), 901n)
    await owner.begin(unit(10n, 900n))
    expect(log.row(place)).toMatchObject({
      range: { first: 0n, last: 4_464n },
      isGivenBack: false,
      deaths: [],
    })
  })

  test('the same member that takes its partition again counts no death, nor does one that gave it back alive', async () => {
    const log = new RememberedAttempts()
    const first = await taken(log)
    first.fetched(records(0, 9), 10n)
    await first.beginAlone(4n)
    await taken(log)
    expect(log.row(place)?.deaths).toEqual([])
    const again = await taken(log)
    again.fetched(records(0, 9), 10n)
    await again.beginAlone(4n)
    await again.giveBack()
    await taken(log, 'two')
    expect(log.row(place)?.deaths).toEqual([])
  })

  test('a record whose process died lets others go before, and what is given up says why', async () => {
    const log = new RememberedAttempts()
    for (const owner of ['one', 'two', 'three']) {
      const attempts = await taken(log, owner)
      attempts.fetched(records(3, 9), 10n)
      if (owner === 'one') await attempts.begin(unit(3n, 9n))
      if (owner === 'three') {
        expect(await attempts.beginAlone(5n)).toEqual({ kind: 'later', afterMs: 5_000 })
        attempts.endAlone(5n, false)
      }
      if (owner !== 'one') expect(await attempts.beginAlone(5n)).toEqual({ kind: 'begun' })
    }
    const last = await taken(log, 'four')
    last.fetched(records(3, 9), 10n)
    const start = await last.beginAlone(5n)
    expect(start).toMatchObject({
      kind: 'given up',
      deaths: 3,
      mayRead: true,
      reason: { code: 'MESSAGE_KILLS' },
    })
    expect(start.kind === 'given up' && start.reason.message).toContain('order/0 at offset 5')
    last.endAlone(5n, true)
    await last.giveBack()
    expect(log.row(place)).toEqual({ ...nothingStarted, isGivenBack: true, range: { first: 3n, last: 9n } })
  })
})
