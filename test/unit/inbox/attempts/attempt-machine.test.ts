import { describe, expect, test } from 'vitest'
import { nothingStarted, type StartedAttempts } from '../../../../src/inbox/attempts/attempt-log.ts'
import { AttemptMachine, type AttemptUnit } from '../../../../src/inbox/attempts/attempt-machine.ts'

const unit = (first: number, last: number = first): AttemptUnit => ({
  first: BigInt(first),
  last: BigInt(last),
  count: last - first + 1,
})

function opened(left: Partial<StartedAttempts> = {}, killsMax: number = 3): AttemptMachine {
  return new AttemptMachine({ ...nothingStarted, ...left }, { killsMax })
}

/** Fetches, and says which are suspects. */
function fetch(machine: AttemptMachine, first: number, last: number, highWatermark = 1_000_000): number[] {
  machine.fetched(BigInt(first), BigInt(highWatermark))
  const suspects: number[] = []
  for (let offset = first; offset <= last; offset++)
    if (machine.isSuspect(BigInt(offset))) suspects.push(offset)
  return suspects
}

let nowMs = 0

/** The row is written as it has to be, by default a long time after the last time. */
function write(machine: AttemptMachine, afterMs: number = 1_000): StartedAttempts {
  const started = machine.started()
  machine.written(started, (nowMs += afterMs))
  return started
}

const range = (first: number, last: number) => ({ first: BigInt(first), last: BigInt(last) })

describe('what the row says', () => {
  test('the first unit waits for it; it covers what was fetched, and those after the first need no other', () => {
    const machine = opened()
    expect(fetch(machine, 100, 599)).toEqual([])
    expect(machine.begin(unit(100, 199))).toBe('wait')
    expect(write(machine)).toEqual({ ...nothingStarted, range: range(100, 599) })
    expect(machine.begin(unit(200, 299))).toBe('covered')
    machine.end(unit(100, 199))
  })

  test('a partition with little to do writes once for some dozens of messages, and none of them waits for it', () => {
    const machine = opened()
    let writes = 0
    let waits = 0
    for (let offset = 0; offset < 640; offset++) {
      const one = unit(offset)
      fetch(machine, offset, offset)
      const says = machine.begin(one)
      if (says !== 'covered') {
        writes++
        write(machine)
      }
      if (says === 'wait') waits++
      machine.end(one)
    }
    expect(waits).toBe(1)
    expect(writes).toBeLessThanOrEqual(640 / 32 + 1)
  })

  test('where one write follows another at once each covers more, within a bound, and less again where it is quiet', () => {
    const machine = opened()
    let offset = 0
    const writesFor = (messages: number, afterMs: number): number => {
      let writes = 0
      for (const end = offset + messages; offset < end; offset++) {
        const one = unit(offset)
        if (machine.begin(one) !== 'covered') {
          writes++
          const { range: said } = write(machine, afterMs)
          expect((said?.last ?? 0n) - BigInt(offset)).toBeLessThanOrEqual(512n)
        }
        machine.end(one)
      }
      return writes
    }
    fetch(machine, 0, 0)
    expect(writesFor(10_240, 10)).toBeLessThanOrEqual(10_240 / 256 + 8)
    expect(writesFor(10_240, 5_000)).toBeGreaterThan(10_240 / 64)
  })

  test('what is in hand is always covered, whatever ends when', () => {
    const machine = opened()
    const slow = unit(0)
    fetch(machine, 0, 9)
    machine.begin(slow)
    write(machine)
    for (let first = 10; first < 2_000; first += 10) {
      fetch(machine, first, first + 9)
      const next = unit(first, first + 9)
      if (machine.begin(next) !== 'covered') write(machine)
      const { range: said } = machine.started()
      expect(said?.first).toBe(0n)
      expect(said?.last).toBeGreaterThanOrEqual(BigInt(first + 9))
      machine.end(next)
    }
    machine.end(slow)
    fetch(machine, 2_000, 2_500)
    expect(machine.begin(unit(2_000, 2_500))).toBe('wait')
    expect(write(machine).range?.first).toBe(2_000n)
  })

  test('an old record that is tried again is named, and does not widen the range', () => {
    const old = unit(3)
    const machine = opened()
    fetch(machine, 0, 9)
    fetch(machine, 5_000, 5_500)
    machine.begin(unit(5_000, 5_100))
    write(machine)
    expect(machine.begin(old)).toBe('wait')
    expect(write(machine)).toMatchObject({ range: range(5_000, 5_504), others: [3n] })
    expect(machine.begin(old)).toBe('covered')
    machine.end(old)
    expect(write(machine).others).toEqual([])
  })

  test('what a write on its way would take out of the row waits for the next one', () => {
    const late = unit(5)
    const moved = opened()
    fetch(moved, 0, 99)
    const first = unit(0)
    moved.begin(first)
    write(moved)
    moved.end(first)
    expect(moved.begin(unit(40))).toBe('write')
    const onItsWay = moved.write()
    expect(onItsWay.range?.first).toBe(40n)
    expect(moved.begin(late)).toBe('wait')
    moved.written(onItsWay, (nowMs += 1_000))
    expect(write(moved)).toMatchObject({ others: [5n] })
    expect(moved.begin(late)).toBe('covered')
    moved.write()
    moved.notWritten()
    expect(moved.begin(unit(41))).toBe('wait')
  })

  test('older records that come up together with new ones widen it, until they have ended', () => {
    const machine = opened()
    fetch(machine, 0, 9)
    fetch(machine, 5_000, 5_500)
    machine.begin(unit(5_000, 5_100))
    write(machine)
    const wide: AttemptUnit = { first: 4n, last: 5_200n, count: 30 }
    expect(machine.begin(wide)).toBe('wait')
    expect(write(machine).range).toEqual(range(4, 5_504))
    machine.end(wide)
    expect(machine.begin(unit(5_505, 5_510))).toBe('wait')
    expect(write(machine).range?.first).toBe(5_000n)
  })

  test('nothing is left once all has ended and the partition was given back', () => {
    const machine = opened()
    fetch(machine, 0, 9)
    const one = unit(0, 9)
    machine.begin(one)
    write(machine)
    machine.giveBack()
    expect(machine.started()).toMatchObject({ range: { first: 0n }, isGivenBack: true })
    machine.end(one)
    expect(machine.started()).toEqual({ ...nothingStarted, isGivenBack: true })
  })
})

describe('suspects (rule E36)', () => {
  test('are what was begun and not ended; what was done before and what came later is none', () => {
    const machine = opened({ range: range(90, 200) })
    expect(fetch(machine, 98, 101, 103)).toEqual([98, 99, 100, 101])
    expect(machine.hasUnfetchedSuspects).toBe(true)
    expect(fetch(machine, 102, 110, 111)).toEqual([102])
    expect(machine.hasUnfetchedSuspects).toBe(false)
  })

  test('offsets that the topic does not have any more are no obstacle', () => {
    const machine = opened({ range: range(10, 20), others: [5n, 25n] })
    machine.fetched(5n, 31n)
    expect([5n, 12n, 19n, 25n, 30n].map((offset) => machine.isSuspect(offset))).toEqual([
      true,
      true,
      true,
      true,
      false,
    ])
    expect(machine.hasUnfetchedSuspects).toBe(false)
  })

  test('stay remembered until they are done, for an owner that dies in the middle of them', () => {
    const machine = opened({ range: range(0, 499) })
    fetch(machine, 0, 199)
    machine.beginAlone(0n)
    expect(write(machine)).toMatchObject({ range: range(0, 499), alone: 0n })
    machine.endAlone(0n, true)
    machine.beginAlone(1n)
    expect(write(machine)).toMatchObject({ range: range(1, 499), alone: 1n })
    machine.endAlone(1n, true)
    fetch(machine, 200, 600)
    for (let offset = 2n; offset < 499n; offset++) {
      machine.beginAlone(offset)
      machine.endAlone(offset, true)
    }
    machine.beginAlone(499n)
    expect(machine.started()).toMatchObject({ range: range(499, 499), alone: 499n })
    machine.endAlone(499n, true)
    expect(machine.started()).toEqual(nothingStarted)
  })

  test('one that only fails stays a suspect beside the work that goes on', () => {
    const machine = opened({ range: range(0, 5), deaths: [3n] })
    fetch(machine, 0, 5)
    for (const offset of [0n, 1n, 2n, 3n, 4n, 5n]) {
      machine.beginAlone(offset)
      machine.endAlone(offset, offset !== 3n)
    }
    fetch(machine, 6, 900)
    machine.begin(unit(6, 900))
    expect(write(machine)).toEqual({
      range: range(6, 4_480),
      others: [3n],
      alone: undefined,
      deaths: [3n],
      isGivenBack: false,
    })
  })

  test('are kept through a tenure in which nothing was fetched', () => {
    const left = { range: range(7, 9), others: [3n], deaths: [3n] }
    const machine = opened(left)
    machine.giveBack()
    expect(machine.started()).toEqual({ ...nothingStarted, ...left, isGivenBack: true })
  })

  test.each([
    [2, 1],
    [3, 2],
    [5, 4],
    [1, 1],
  ])('with %i kills allowed, a record is given up after %i deaths of its own', (killsMax, deaths) => {
    const machine = opened({ deaths: Array.from({ length: deaths }, () => 4n) }, killsMax)
    expect(fetch(machine, 3, 5)).toEqual([4])
    expect(machine.beginAlone(4n)).toBe('given up')
    machine.endAlone(4n, true)
    expect(machine.started()).toEqual(nothingStarted)
    const read = opened({ deaths: Array.from({ length: deaths + 1 }, () => 4n) }, killsMax)
    expect(read.beginAlone(4n)).toBe('given up unread')
    const once = opened({ deaths: [4n] }, killsMax)
    if (deaths > 1) expect([once.beginAlone(4n), once.beginAlone(4n)]).toEqual(['later', 'wait'])
  })

  test('deaths are forgotten once the record is done, here or elsewhere', () => {
    const machine = opened({ deaths: [4n, 9n] })
    fetch(machine, 5, 20)
    expect(machine.deathsOf(4n)).toBe(0)
    expect(machine.deathsOf(9n)).toBe(1)
    machine.beginAlone(9n)
    machine.endAlone(9n, true)
    expect(machine.started().deaths).toEqual([])
  })
})
