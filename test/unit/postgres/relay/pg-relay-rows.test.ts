import { describe, expect, test } from 'vitest'
import { leaseViewOf, liveReadingOf, lsnOf, pageOf } from '../../../../src/postgres/relay/pg-relay-rows.ts'
import { outboxTupleWidth } from '../../../../src/postgres/queries/relay/outbox-tuple-columns.ts'
import { codeThrownBy } from '../../thrown-code.ts'

const row = (...values: (string | null)[]) => [
  ...values,
  ...Array.from({ length: outboxTupleWidth - values.length }, () => null),
]
const cut = (...values: string[]) => [...row(...values).slice(0, -1), 't']
const head = row(null, '7:9:7', 'false', '0/20', '4', '321')
const tail = row(null, '0/1F')

test('places in the log are compared as numbers', () => {
  expect(lsnOf('0/0')).toBe(0n)
  expect(lsnOf('1/5')).toBeGreaterThan(lsnOf('0/FFFFFFFF'))
  expect(lsnOf('16/B374D848')).toBe(0x16b374d848n)
  for (const text of ['', '7', '/1', '1/']) expect(codeThrownBy(() => lsnOf(text))).toBe('DATABASE_FAILING')
})

describe('a look at the outbox', () => {
  test('has the snapshot first and the log’s state last', () => {
    expect(liveReadingOf([head, row('1'), row('2'), tail], 2, '321')).toEqual({
      inRecovery: false,
      snapshot: '7:9:7',
      insertedTo: 0x20n,
      flushedTo: 0x1fn,
      sequenceLast: 4n,
      rows: [row('1'), row('2')],
    })
  })

  test('has no rows to use when there are too many, or too many bytes: they are to be read in pages', () => {
    expect(liveReadingOf([head, row('1'), row('2'), row('3'), tail], 2, '321').rows).toBeUndefined()
    expect(liveReadingOf([head, row('1'), cut('2'), tail], 2, '321').rows).toBeUndefined()
    expect(liveReadingOf([head, tail], 2, '321').rows).toEqual([])
  })

  test('of a standby has no places in the log', () => {
    const standby = row(null, '7:9:', 'true', null, '4', '321')
    expect(liveReadingOf([standby, row(null, null)], 2, '321')).toMatchObject({
      inRecovery: true,
      insertedTo: 0n,
    })
  })

  test('by another server process than before is worthless (rule A2)', () => {
    expect(codeThrownBy(() => liveReadingOf([head, tail], 2, '322'))).toBe('DATABASE_FAILING')
  })

  test.each([[[]], [[head]], [[row('1'), tail]], [[head, row('1')]]])(
    'is complete, or an error: %j',
    (rows) => {
      expect(codeThrownBy(() => liveReadingOf(rows, 2, '321'))).toBe('DATABASE_FAILING')
    },
  )
})

describe('a page', () => {
  test('is full when it has all rows it may have', () => {
    expect(pageOf([row('1'), row('2')], 2)).toEqual({ rows: [row('1'), row('2')], full: true })
    expect(pageOf([row('1')], 2)).toEqual({ rows: [row('1')], full: false })
    expect(pageOf([], 2)).toEqual({ rows: [], full: false })
  })

  test('ends before the rows for which its bytes did not suffice', () => {
    expect(pageOf([row('1'), cut('2'), cut('3')], 9)).toEqual({ rows: [row('1')], full: true })
  })
})

test('a lease that nobody ever had has neither owner nor checkpoint', () => {
  const columns = ['f', '7', '1', '9:9:', null, null, ...Array.from({ length: 10 }, () => null)]
  expect(leaseViewOf(columns)).toEqual({
    owner: undefined,
    remainingMs: 0,
    inRecovery: false,
    systemIdentifier: '7',
    timeline: 1,
    snapshot: '9:9:',
    checkpoint: undefined,
  })
})
