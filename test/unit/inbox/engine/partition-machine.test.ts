import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../../src/inbox/engine/lane.ts'
import { PartitionMachine } from '../../../../src/inbox/engine/partition-machine.ts'
import type { RecordReading } from '../../../../src/inbox/record-reader.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import type { ReceivedRecord } from '../../../../src/transport/subscriber.ts'
import { Random } from '../../../history/random.ts'
import { recordWith } from '../records.ts'

type Target = { readonly name: string; readonly batchSizeMax: number }
const one: Target = { name: 'one', batchSizeMax: 1 }
const many: Target = { name: 'many', batchSizeMax: 5 }
const others: Target = { name: 'others', batchSizeMax: 3 }

/** The value of a record names its target, or what else it turns out to be. */
function read(record: ReceivedRecord): RecordReading<Target> {
  const name = record.value?.toString()
  if (name === 'skipped') return { kind: 'skipped' }
  if (name === 'unreadable')
    return { kind: 'unreadable', id: 'x', error: new BackstitchError('MESSAGE_MALFORMED', 'here') }
  const target = [one, many, others].find((each) => each.name === name) ?? one
  return { kind: 'message', message: {} as never, target }
}

function machineWith(records: readonly ReceivedRecord[], unitBytesMax = 1_000_000) {
  const machine = new PartitionMachine<Target>({ read, batchSizeMax: (it) => it.batchSizeMax, unitBytesMax })
  machine.add(records)
  return machine
}

const record = (offset: number, key: string | null, value = 'one') =>
  recordWith({ offset: BigInt(offset), key, value: Buffer.from(value) })

const offsetsOf = (unit: readonly Entry<Target>[] | undefined) =>
  unit?.map((entry) => Number(entry.record.offset))

/** Takes all that can be taken. */
function takeAll(machine: PartitionMachine<Target>): Entry<Target>[][] {
  const units: Entry<Target>[][] = []
  for (let unit = machine.take(true); unit !== undefined; unit = machine.take(true)) units.push(unit)
  return units
}

test('one of a key at a time, the others in order behind it; keys do not wait for each other', () => {
  const machine = machineWith([
    record(0, 'a'),
    record(1, 'a'),
    record(2, 'b'),
    record(3, null),
    record(4, null),
  ])
  const units = takeAll(machine)
  expect(units.map(offsetsOf)).toEqual([[0], [2], [3], [4]])
  machine.finish(units[1]!)
  expect(machine.take(true)).toBeUndefined()
  machine.finish(units[0]!)
  expect(offsetsOf(machine.take(true))).toEqual([1])
})

test('the finished prefix is of what was fetched: offsets that are missing are no gap (E34)', () => {
  const machine = machineWith([record(3, 'a'), record(7, 'b'), record(8, 'c')])
  expect(machine.nextOffset).toBe(3n)
  const [a, b, c] = takeAll(machine)
  machine.finish(b!)
  expect(machine.nextOffset).toBe(3n)
  machine.finish(a!)
  expect(machine.nextOffset).toBe(8n)
  machine.finish(c!)
  expect(machine.nextOffset).toBe(9n)
  machine.add([record(40, 'a')])
  expect(machine.nextOffset).toBe(40n)
})

test('a unit takes records of one target, several of a key too, in the order of the fetch', () => {
  const machine = machineWith([
    record(0, 'a', 'many'),
    record(1, 'b', 'others'),
    record(2, 'c', 'many'),
    record(3, 'a', 'many'),
    record(4, 'a', 'others'),
    record(5, 'd', 'many'),
  ])
  expect(takeAll(machine).map(offsetsOf)).toEqual([[0, 2, 3, 5], [1]])
})

test('a unit has no more bytes than it may, and one record at least', () => {
  const big = (offset: number, key: string) =>
    recordWith({ offset: BigInt(offset), key, value: Buffer.from('many'), headers: {} })
  const machine = machineWith([big(0, 'a'), big(1, 'b'), big(2, 'c')], 900)
  expect(takeAll(machine).map(offsetsOf)).toEqual([[0, 1], [2]])
  expect(takeAll(machineWith([big(0, 'a'), big(1, 'b')], 1)).map(offsetsOf)).toEqual([[0], [1]])
})

test('what is nothing for the group is finished when its turn comes', () => {
  const machine = machineWith([record(0, 'a', 'skipped'), record(1, 'a'), record(2, 'b', 'skipped')])
  const units = takeAll(machine)
  expect(units.map(offsetsOf)).toEqual([[1]])
  machine.finish(units[0]!)
  expect([machine.nextOffset, machine.count, machine.bytes]).toEqual([3n, 0, 0])
})

test('a key that is held lets the others pass, and its own wait', () => {
  const machine = machineWith([record(0, 'a'), record(1, 'a'), record(2, 'b'), record(3, 'c')])
  const [a, b] = takeAll(machine)
  machine.hold(a![0]!)
  machine.finish(b!)
  expect(machine.heldCount).toBe(1)
  expect(machine.take(true)).toBeUndefined()
  machine.release(a![0]!)
  machine.release(a![0]!)
  expect(machine.heldCount).toBe(0)
  const again = machine.take(true)
  expect(again).toEqual(a)
  machine.finish(again!)
  expect(offsetsOf(machine.take(true))).toEqual([1])
})

test('a unit that is put back alone comes again one by one', () => {
  const machine = machineWith([record(0, 'a', 'many'), record(1, 'b', 'many'), record(2, 'a', 'many')])
  const unit = machine.take(true)!
  expect(offsetsOf(unit)).toEqual([0, 1, 2])
  machine.putBack(unit, true)
  machine.add([record(3, 'c', 'many'), record(4, 'd', 'many')])
  const units = takeAll(machine)
  expect(units.map(offsetsOf)).toEqual([[0], [1], [3, 4]])
  machine.finish(units[0]!)
  expect(takeAll(machine).map(offsetsOf)).toEqual([[2]])
})

test('a suspect is taken when it is asked for, and alone', () => {
  const machine = machineWith([record(0, 'a', 'many'), record(1, 'b', 'many'), record(2, 'c', 'many')])
  const unit = machine.take(false)!
  unit[1]!.isSuspect = true
  machine.putBack(unit, false)
  expect(offsetsOf(machine.take(false))).toEqual([0, 2])
  expect(machine.take(false)).toBeUndefined()
  expect([machine.isReady(false), machine.isReady(true)]).toEqual([false, true])
  expect(offsetsOf(machine.take(true))).toEqual([1])
})

test('what may have ended a process is handed out by itself and unread, and its key waits behind it', () => {
  const machine = machineWith([])
  machine.add(
    [record(0, 'a', 'many'), record(1, 'b', 'many'), record(2, 'b', 'many'), record(3, 'a', 'many')],
    new Set([1n, 3n]),
  )
  expect(offsetsOf(machine.take(true))).toEqual([0])
  expect([machine.take(true), machine.isReady(true), machine.hasSolo]).toEqual([undefined, false, true])
  const solo = machine.takeSolo()!
  expect([solo.record.offset, solo.reading, machine.hasSolo]).toEqual([1n, undefined, false])
  machine.hold(solo)
  expect([machine.takeSolo(), machine.take(true)]).toEqual([undefined, undefined])
  machine.release(solo)
  expect(machine.takeSolo()).toBe(solo)
  machine.read(solo)
  expect(solo.reading?.kind).toBe('message')
  machine.finish([solo])
  expect(offsetsOf(machine.take(true))).toEqual([2])
  machine.stop()
  expect([machine.hasSolo, machine.takeSolo()]).toEqual([false, undefined])
})

test('once it is stopped it hands out nothing, and what is in hand can be finished', () => {
  const machine = machineWith([record(0, 'a'), record(1, 'a'), record(2, 'b')])
  const unit = machine.take(true)!
  machine.stop()
  machine.finish(unit)
  expect([machine.take(true), machine.isReady(true), machine.nextOffset]).toEqual([undefined, false, 1n])
})

test('work on many keys costs no more for each than work on few', () => {
  const keys = 50_000
  const machine = machineWith(Array.from({ length: keys }, (_, n) => record(n, `key-${n}`)))
  const held = takeAll(machine).map(([entry]) => entry!)
  for (const entry of held) machine.hold(entry)
  machine.add(Array.from({ length: keys }, (_, n) => record(keys + n, `key-${n}`)))
  expect(machine.take(true)).toBeUndefined()
  for (const entry of held.toReversed()) machine.release(entry)
  let taken = 0
  for (let unit = machine.take(true); unit !== undefined; unit = machine.take(true)) {
    machine.finish(unit)
    taken += unit.length
  }
  expect([taken, machine.count, machine.nextOffset]).toEqual([2 * keys, 0, BigInt(2 * keys)])
})

describe('whatever happens', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  console.info(`partition machine: seed ${seed}`)

  test.each(Array.from({ length: 25 }, (_, n) => seed + n))(
    'each record is finished once, in the order of its key, and the prefix is right (seed %i)',
    (own) => {
      const random = new Random(own)
      const machine = machineWith([], random.chance(0.3) ? 1_300 : 1_000_000)
      const fetched: { readonly offset: bigint; readonly value: string; readonly key: string | null }[] = []
      const finished = new Set<bigint>()
      const inHand = new Map<Entry<Target>, string>()
      const units = new Set<Entry<Target>[]>()
      const held = new Set<Entry<Target>>()
      const keysMax = 1 + random.below(12)
      let offset = 0n

      const done = (entry: Entry<Target>): void => {
        const { key, offset: at } = entry.record
        expect(finished.has(at)).toBe(false)
        const name = key === null ? null : key.toString()
        const open = fetched.filter(
          (other) =>
            name !== null &&
            other.key === name &&
            other.offset < at &&
            other.value !== 'skipped' &&
            !finished.has(other.offset),
        )
        expect(open, `before ${at} of ${name}`).toEqual([])
        finished.add(at)
      }
      const fetch = (): void => {
        const records = Array.from({ length: random.below(30) }, () => {
          offset += BigInt(1 + (random.chance(0.2) ? random.below(9) : 0))
          const key = random.chance(0.1) ? null : `k${random.below(keysMax)}`
          const value = ['one', 'many', 'many', 'others', 'skipped', 'unreadable'][random.below(6)]!
          fetched.push({ offset, value, key })
          return record(Number(offset), key, value)
        })
        machine.add(records, new Set(records.map((each) => each.offset).filter(() => random.chance(0.05))))
      }
      const takeSolo = (): Entry<Target>[] | undefined => {
        const entry = machine.takeSolo()
        if (entry === undefined) return undefined
        machine.read(entry)
        return [entry]
      }
      const take = (): void => {
        const unit = random.chance(0.2) ? takeSolo() : machine.take(random.chance(0.7))
        if (unit === undefined) return
        const [first] = unit
        const targets = new Set(
          unit.map(({ reading }) => (reading?.kind === 'message' ? reading.target : reading)),
        )
        expect(targets.size).toBe(1)
        const target = [...targets][0]
        if (unit.length > 1) {
          expect(unit.length).toBeLessThanOrEqual((target as Target).batchSizeMax)
          expect(unit.filter((entry) => entry.isAlone || entry.isSuspect || entry.isSolo)).toEqual([])
        }
        if (first?.isSolo === false) expect(first.reading?.kind).not.toBe('skipped')
        expect(offsetsOf(unit)).toEqual(offsetsOf(unit)?.toSorted((a, b) => a - b))
        const keys = new Set(unit.map(({ record: { key } }) => key?.toString()))
        const taken = [...inHand].filter(
          ([entry, key]) => unit.includes(entry) || (entry.record.key !== null && keys.has(key)),
        )
        expect(taken).toEqual([])
        for (const entry of unit) inHand.set(entry, entry.record.key?.toString() ?? '')
        units.add(unit)
      }
      const settle = (): void => {
        const unit = [...units][random.below(units.size)]
        if (unit === undefined) return
        units.delete(unit)
        for (const entry of unit) inHand.delete(entry)
        const fate = random.next()
        if (fate < 0.6) {
          for (const entry of unit) done(entry)
          machine.finish(unit)
        } else if (fate < 0.8 || unit.length > 1) {
          machine.putBack(unit, random.chance(0.5))
        } else {
          machine.hold(unit[0]!)
          held.add(unit[0]!)
        }
      }
      const release = (): void => {
        const entry = [...held][random.below(held.size)]
        if (entry === undefined) return
        held.delete(entry)
        machine.release(entry)
      }
      const check = (): void => {
        const isDone = (each: (typeof fetched)[number]): boolean => finished.has(each.offset)
        const open = fetched.filter((each) => !isDone(each) && each.value !== 'skipped')
        const next = machine.nextOffset
        const end = fetched.length === 0 ? undefined : (fetched.at(-1)?.offset ?? 0n) + 1n
        // never past what is not finished; what is skipped is finished when its turn comes
        const isRight =
          machine.inHandCount === inHand.size &&
          machine.heldCount === held.size &&
          machine.count >= open.length &&
          (next === undefined || (open[0]?.offset ?? end ?? 0n) >= next) &&
          (next === end || fetched.some((each) => each.offset === next && !finished.has(each.offset)))
        if (!isRight) expect.fail(`${own}: next ${next} of ${end}, first open ${open[0]?.offset}`)
      }

      for (let step = 0; step < 400; step++) {
        const choice = random.next()
        if (choice < 0.1) fetch()
        else if (choice < 0.5) take()
        else if (choice < 0.9) settle()
        else release()
        check()
      }
      for (let rounds = 0; machine.count > 0; rounds++) {
        expect(rounds).toBeLessThan(10_000)
        for (const entry of held) machine.release(entry)
        held.clear()
        for (const unit of units) {
          for (const entry of unit) inHand.delete(entry)
          for (const entry of unit) done(entry)
          machine.finish(unit)
        }
        units.clear()
        const unit = machine.take(true) ?? takeSolo()
        if (unit !== undefined) units.add(unit)
      }
      const wanted = fetched.filter(({ value }) => value !== 'skipped')
      expect(wanted.filter(({ offset: at }) => !finished.has(at))).toEqual([])
      expect(machine.nextOffset).toBe(fetched.length === 0 ? undefined : fetched.at(-1)!.offset + 1n)
      expect([machine.bytes, machine.inHandCount, machine.heldCount]).toEqual([0, 0, 0])
    },
  )
})
