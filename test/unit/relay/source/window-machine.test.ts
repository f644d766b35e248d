import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Fences, withFence } from '../../../../src/relay/source/fences.ts'
import { textAt } from '../../../../src/relay/source/outbox-tuple.ts'
import { parseSnapshot } from '../../../../src/relay/source/snapshot.ts'
import {
  afterSequence,
  afterWindow,
  type Cursor,
  cursorOf,
  endOfPage,
  movedTo,
  openWindow,
  pageAfter,
  savedCursorOf,
} from '../../../../src/relay/source/window-machine.ts'
import { hasEnded, ModelDatabase } from './model-database.ts'

const first = {
  previous: '1:1:',
  current: null,
  position: 0n,
  walkFrom: 0n,
  lowWater: 0n,
  sequenceHigh: 0n,
}
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

const spans = { span: 1_000_000n, earlySpan: 1_000_000_000n }

describe('windows over any history of transactions', () => {
  type Action = readonly ['begin' | 'insert' | 'commit' | 'abort' | 'save' | 'look' | 'walk', number]
  const actions = fc.array(
    fc.tuple(
      fc.constantFrom<Action[0]>(
        'begin',
        'insert',
        'insert',
        'commit',
        'commit',
        'abort',
        'save',
        'look',
        'walk',
      ),
      fc.nat(1000),
    ),
    { maxLength: 120, size: 'max' },
  )

  /** Plays a history; every `look` publishes a window at once, every `walk` in pages of two with commits in between. */
  function play(history: readonly Action[], fenceOf: (database: ModelDatabase) => bigint) {
    const database = new ModelDatabase()
    const published: string[] = []
    let cursor: Cursor = cursorOf(first, true)
    let fences: Fences = []
    let seen = 0n
    /** Whether a row that is still to come was taken for done. */
    let unsound = false
    const pick = (n: number): bigint | undefined => database.running[n % Math.max(1, database.running.length)]

    const look = (walk: boolean): void => {
      const current = database.snapshot()
      seen = database.sequenceLast
      const before = published.length
      if (walk) {
        cursor = openWindow(cursor, current, seen)
        let after = 0n
        for (let read = pageAfter(cursor, after, spans); read; read = pageAfter(cursor, after, spans)) {
          // a transaction that ends between two pages belongs to a later window
          const late = database.running[0]
          if (late !== undefined && after % 2n === 1n) database.end(late, true)
          const page = database.readPage(read, 2)
          published.push(...page.rows.map((row) => textAt(row, 'seq')))
          const end = endOfPage(read, page)
          expect(end).toBeGreaterThan(after)
          after = end
          // what is saved in the middle is enough to go on
          cursor = cursorOf(savedCursorOf(movedTo(cursor, after)), true)
        }
      } else published.push(...database.readLive(cursor.previous, current).map(({ seq }) => String(seq)))
      const window = published.slice(before).map(Number)
      expect(window, 'in the order of seq').toEqual(window.toSorted((x, y) => x - y))
      cursor = afterWindow(cursor, current, seen, fences)
      unsound ||= database.rows.some(({ seq, xid }) => {
        if (hasEnded(current, xid)) return false
        return seq <= cursor.lowWater || (seq <= cursor.walkFrom && !current.inProgress.includes(xid))
      })
    }

    for (const [what, n] of [...history, ['look', 0] as const]) {
      const xid = pick(n)
      if (what === 'begin') database.begin()
      else if (what === 'save')
        fences = seen > 0n ? withFence(fences, { sequence: seen, xid: fenceOf(database) }) : fences
      else if (what === 'look' || what === 'walk') look(what === 'walk')
      else if (xid !== undefined) {
        if (what === 'insert') database.insert(xid)
        else database.end(xid, what === 'commit')
      }
    }
    return {
      published,
      unsound,
      expected: database.visible(database.snapshot()).map(({ seq }) => String(seq)),
    }
  }

  test(`publish each committed row exactly once (rule B18; seed ${seed})`, () => {
    fc.assert(
      fc.property(actions, (history) => {
        const { published, expected, unsound } = play(history, (database) => database.save())
        expect(published.toSorted()).toEqual(expected.toSorted())
        expect(unsound, 'bounds of the sequence').toBe(false)
      }),
      { seed, numRuns: 1_000 },
    )
  })

  test('would pass over rows if a snapshot’s xmax were a fence: a running transaction may stand at it', () => {
    const history: Action[] = [
      ['begin', 0],
      ['insert', 0],
      ['look', 0],
      ['save', 0],
      ['look', 0],
      ['commit', 0],
    ]
    expect(play(history, (database) => database.save())).toMatchObject({ published: ['1'], unsound: false })
    // no transaction of our own: “everything up to the last value is done once xmin has reached this xmax”
    expect(play(history, (database) => database.snapshot().xmax - 1n)).toMatchObject({ unsound: true })
  })
})

describe('a window', () => {
  const cursor: Cursor = {
    previous: parseSnapshot('10:20:10,15'),
    current: undefined,
    position: 0n,
    walkFrom: 500n,
    lowWater: 3n,
    sequenceHigh: 520n,
  }

  test('that is open is read by transaction up to where the walk begins, and then by the primary key', () => {
    const open = openWindow(cursor, parseSnapshot('15:30:15'), 900n)
    expect(pageAfter(open, 0n, spans)).toEqual({ kind: 'early', xids: [10n], after: 0n, upTo: 500n })
    const walk = { kind: 'walk', previous: '10:20:10,15', current: '15:30:15', after: 500n, upTo: 900n }
    expect(pageAfter(open, 500n, spans)).toEqual(walk)
    expect(pageAfter(open, 600n, spans)).toEqual({ ...walk, after: 600n })
    expect(pageAfter(open, 900n, spans)).toBeUndefined()
  })

  test('without an ended transaction of the earlier snapshot begins where the walk does', () => {
    const open = openWindow(cursor, parseSnapshot('10:30:10,15'), 900n)
    expect(pageAfter(open, 0n, spans)).toMatchObject({ kind: 'walk', after: 500n })
  })

  test('is walked in bounded steps, so that no stretch without rows outlasts a statement', () => {
    const open = openWindow(cursor, parseSnapshot('15:30:15'), 5_000_000n)
    expect(pageAfter(open, 500n, spans)).toMatchObject({ after: 500n, upTo: 1_000_500n })
  })

  test('that is not open has no pages', () => {
    expect(pageAfter(cursor, 0n, spans)).toBeUndefined()
  })

  test('keeps what it knew of the sequence, and learns more from fences', () => {
    const current = parseSnapshot('25:40:25')
    expect(afterWindow(cursor, current, 950n, [])).toMatchObject({
      walkFrom: 500n,
      lowWater: 3n,
      sequenceHigh: 950n,
    })
    const fences = [
      { sequence: 400n, xid: 24n },
      { sequence: 700n, xid: 39n },
      { sequence: 800n, xid: 40n },
    ]
    expect(afterWindow(cursor, current, 950n, fences)).toMatchObject({ walkFrom: 700n, lowWater: 400n })
  })

  test('forgets what it knew of a sequence that somebody has set back', () => {
    expect(afterSequence(cursor, 520n)).toBe(cursor)
    expect(afterSequence(cursor, 519n)).toEqual({ ...cursor, walkFrom: 0n, lowWater: 0n })
  })

  test('concludes nothing from a sequence whose values are drawn in advance', () => {
    expect(cursorOf({ ...savedCursorOf(cursor) }, false)).toMatchObject({ walkFrom: 0n, lowWater: 0n })
  })

  test('is saved and loaded as it is, open or not', () => {
    expect(cursorOf(savedCursorOf(cursor), true)).toEqual(cursor)
    const open = movedTo(openWindow(cursor, parseSnapshot('15:30:15'), 900n), 77n)
    expect(cursorOf(savedCursorOf(open), true)).toEqual(open)
  })
})
