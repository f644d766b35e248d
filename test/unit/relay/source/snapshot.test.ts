import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { endedBetween, parseSnapshot } from '../../../../src/relay/source/snapshot.ts'
import { codeThrownBy } from '../../thrown-code.ts'
import { hasEnded } from './model-database.ts'

describe('a snapshot', () => {
  test('is read as Postgres writes it', () => {
    expect(parseSnapshot('10:20:10,14,15')).toEqual({
      text: '10:20:10,14,15',
      xmin: 10n,
      xmax: 20n,
      inProgress: [10n, 14n, 15n],
    })
    expect(parseSnapshot('18446744073709551610:18446744073709551615:')).toMatchObject({ inProgress: [] })
  })

  test.each(['', '1:2', '1:2:3,', 'a:b:c', '-1:2:', '1:2:3;4'])('is not %j', (text) => {
    expect(codeThrownBy(() => parseSnapshot(text))).toBe('DATABASE_FAILING')
  })

  test('tells which transactions of an earlier one have ended, as pg_visible_in_snapshot does', () => {
    const list = fc.uniqueArray(fc.bigInt(1n, 40n), { maxLength: 8 })
    fc.assert(
      fc.property(list, list, fc.bigInt(1n, 60n), (before, after, xmax) => {
        const snapshotOf = (xids: readonly bigint[]) => {
          const inProgress = xids.filter((xid) => xid < xmax).toSorted((a, b) => (a < b ? -1 : 1))
          return parseSnapshot(`${inProgress[0] ?? xmax}:${xmax}:${inProgress.join(',')}`)
        }
        const previous = parseSnapshot(`1:50:${before.toSorted((a, b) => (a < b ? -1 : 1)).join(',')}`)
        const current = snapshotOf(after)
        expect(endedBetween(previous, current)).toEqual(
          previous.inProgress.filter((xid) => hasEnded(current, xid)),
        )
      }),
    )
  })
})
