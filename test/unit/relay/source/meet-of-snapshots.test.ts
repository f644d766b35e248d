import { expect, test } from 'vitest'
import { meetOfSnapshots } from '../../../../src/relay/source/meet-of-snapshots.ts'
import { parseSnapshot } from '../../../../src/relay/source/snapshot.ts'
import { hasEnded } from './model-database.ts'

test.each([
  [['10:20:12'], '12:20:12'],
  [['10:20:', '10:30:10,25'], '10:20:10'],
  [['5:9:', '7:9:7'], '7:9:7'],
  [['1:1:', '700:700:'], '1:1:'],
  [['20:30:20', '25:28:25,26'], '20:28:20,25,26'],
])('%j meet in %s', (texts, meet) => {
  expect(meetOfSnapshots(texts)).toBe(meet)
})

test('what is visible to the meet is visible to each, and the other way round', () => {
  for (let seed = 1; seed < 300; seed++) {
    const random = (below: number, salt: number): number => (seed * 7_919 + salt * 104_729) % below
    const texts = [0, 1, 2].map((n) => {
      const xmax = 5 + random(15, n)
      const list = Array.from({ length: xmax }, (_, xid) => xid).filter(
        (xid) => xid > 0 && random(4, n * 31 + xid) === 0,
      )
      return `${list[0] ?? xmax}:${xmax}:${list.join(',')}`
    })
    const meet = parseSnapshot(meetOfSnapshots(texts))
    for (let xid = 1n; xid < 25n; xid++)
      expect(hasEnded(meet, xid), `${texts.join(' ')} at ${xid}`).toBe(
        texts.every((text) => hasEnded(parseSnapshot(text), xid)),
      )
  }
})
