import { describe, expect, test } from 'vitest'
import { type GroupProgress, never, nextProgress } from '../../../../src/inbox/groups/progress-machine.ts'

const unknown: GroupProgress = { committed: {}, marks: {}, markedAt: null, passedAt: never }
const found = (
  now: string,
  committed: readonly (string | null)[],
  ends: readonly string[],
  begins: readonly string[] = ends.map(() => '0'),
) => ({ now, committed: { order: committed }, ends: { order: ends }, begins: { order: begins } })

describe('what is passed', () => {
  test('nothing at first: the ends of now are the mark', () => {
    expect(nextProgress(unknown, found('1', ['5', null], ['9', '0']))).toEqual({
      committed: { order: ['5', null] },
      marks: { order: ['9', '0'] },
      markedAt: '1',
      passedAt: never,
    })
  })

  test('what came before the mark, once all of its ends are committed; the next mark is that of now', () => {
    const marked = nextProgress(unknown, found('1', ['5', '7'], ['9', '7']))
    const behind = nextProgress(marked, found('2', ['8', '7'], ['12', '8']))
    expect(behind).toEqual({ ...marked, committed: { order: ['8', '7'] } })
    expect(nextProgress(behind, found('3', ['9', '8'], ['20', '8']))).toEqual({
      committed: { order: ['9', '8'] },
      marks: { order: ['20', '8'] },
      markedAt: '3',
      passedAt: '1',
    })
  })

  test('a partition without a commit is passed when nothing is left before its mark', () => {
    const marked = nextProgress(unknown, found('1', [null, null], ['9', '0']))
    expect(nextProgress(marked, found('2', [null, null], ['9', '0'])).passedAt).toBe(never)
    expect(nextProgress(marked, found('2', [null, null], ['9', '0'], ['9', '0'])).passedAt).toBe('1')
  })

  test('a lag that was deleted on the topic is passed too', () => {
    const marked = nextProgress(unknown, found('1', ['3'], ['9']))
    expect(nextProgress(marked, found('2', ['3'], ['12'], ['10'])).passedAt).toBe('1')
  })

  test('nothing any more once an offset went back, or is forgotten', () => {
    const marked = nextProgress(unknown, found('1', ['9'], ['9']))
    const passed = nextProgress(marked, found('2', ['9'], ['9']))
    expect(passed.passedAt).toBe('1')
    for (const committed of ['4', null])
      expect(nextProgress(passed, found('3', [committed], ['9']))).toEqual({
        committed: { order: [committed] },
        marks: { order: ['9'] },
        markedAt: '3',
        passedAt: never,
      })
  })

  test('a topic that is gone, or is read no more, holds nothing back', () => {
    const marked = nextProgress(unknown, found('1', ['3'], ['9']))
    const gone = { now: '2', committed: { order: [] }, ends: { order: [] }, begins: { order: [] } }
    expect(nextProgress(marked, gone).passedAt).toBe('1')
    expect(nextProgress(marked, { now: '2', committed: {}, ends: {}, begins: {} }).passedAt).toBe('1')
  })

  test('offsets beyond what a number holds are compared exactly', () => {
    const marked = nextProgress(unknown, found('1', ['9007199254740992'], ['9007199254740993']))
    expect(nextProgress(marked, found('2', ['9007199254740992'], ['9007199254740993'])).passedAt).toBe(never)
    expect(nextProgress(marked, found('2', ['9007199254740993'], ['9007199254740993'])).passedAt).toBe('1')
  })
})
