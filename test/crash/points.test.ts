import { describe, expect, test } from 'vitest'
import { codeBelow } from '../architecture/source/files.ts'
import { partKinds, points } from './points.ts'
import { pointsIn } from './points-in-source.ts'

describe('the points at which the crash tests kill', () => {
  test('are those that the source names', () => {
    const named = codeBelow('src').flatMap(({ path, text }) =>
      path === 'src/kernel/test-signals.ts' ? [] : pointsIn(path, text),
    )
    expect([...new Set(named)].toSorted()).toEqual(Object.values(points).flat().toSorted())
  })

  test('are at least sixteen, and some of each part', () => {
    expect(Object.values(points).flat().length).toBeGreaterThanOrEqual(16)
    for (const kind of partKinds) {
      const own: readonly string[] = points[kind]
      expect(own.length).toBeGreaterThan(0)
      expect(own.filter((point) => !point.startsWith(`${kind}.`))).toEqual([])
    }
  })

  test('come in pairs before and after each commit, produce and offset commit', () => {
    const all: readonly string[] = Object.values(points).flat()
    const steps = [...new Set(all.map((point) => point.replace(/\.(?:before|after)$/, '')))]
    const single = steps.filter((step) => !all.includes(`${step}.before`) || !all.includes(`${step}.after`))
    // Reading commits nothing, and giving the lease back is a checkpoint, which has both.
    expect(single).toEqual(['relay.read', 'relay.release'])
  })
})

describe('the scan of the source', () => {
  test('finds a point, and those of each kind where the name begins with it', () => {
    expect(pointsIn('a.ts', `await signals.reach('relay.read.after')`)).toEqual(['relay.read.after'])
    expect(pointsIn('a.ts', 'await this.#signals.reach(`${kind}.commit.before`)')).toEqual([
      'consumer.commit.before',
      'participant.commit.before',
    ])
    expect(pointsIn('a.ts', `// signals.reach('no.code')\nconst text = "reach('no.code')"`)).toEqual([])
  })

  test.each([
    ['signals.reach(point)'],
    ['signals.reach(`${room}.commit.before`)'],
    ["signals.reach('relay.' + name)"],
    ['const reach = signals.reach'],
    ['const { reach } = signals'],
  ])('refuses %s, whose points it cannot know', (text) => {
    expect(() => pointsIn('a.ts', text)).toThrow('a.ts:1')
  })
})
