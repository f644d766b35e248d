import { describe, expect, test } from 'vitest'
import { compareGraphs } from '../../../../src/saga/graph/compare-graphs.ts'
import type { SagaGraph } from '../../../../src/saga/graph/saga-graph.ts'

const send = (name: string, version = 1, hash = 'h') => ({ name, version, hash })
const node = (step: string, ...after: string[]): SagaGraph['nodes'][number] => ({
  step,
  phase: 'compensatable',
  after,
  send: send(`${step}.do`),
  undo: send(`${step}.undo`),
  timeoutMs: 1_000,
  attemptsMax: 5,
})
const graph = (version: number, ...nodes: SagaGraph['nodes']): SagaGraph => ({ name: 'trip', version, nodes })
const chain = graph(1, node('a'), node('b', 'a'), node('c', 'b'))
const changed = (change: Partial<SagaGraph['nodes'][number]>, version = 2) =>
  graph(version, node('a'), { ...node('b', 'a'), ...change }, node('c', 'b'))

describe('a definition compared with its older form', () => {
  test('is safe where nothing changed, and where timers alone did', () => {
    expect(compareGraphs(chain, chain)).toEqual({ verdict: 'safe', changes: [], needsVersion: false })
    expect(compareGraphs(chain, changed({ timeoutMs: 2_000, attemptsMax: 9 }, 1))).toEqual({
      verdict: 'safe',
      needsVersion: false,
      changes: [
        { step: 'b', verdict: 'safe', what: 'waited 1000 ms and waits 2000 ms' },
        { step: 'b', verdict: 'safe', what: 'was sent 5 times at most and is sent 9 times' },
      ],
    })
  })

  test.each([
    [
      'another command',
      changed({ send: send('b.other') }),
      'pin',
      'sent b.do v1 (h) and sends b.other v1 (h)',
    ],
    [
      'another schema',
      changed({ send: send('b.do', 1, 'i') }),
      'pin',
      'sent b.do v1 (h) and sends b.do v1 (i)',
    ],
    [
      'another undo',
      changed({ undo: send('b.undo', 2) }),
      'pin',
      'was undone by b.undo v1 (h) and is undone by b.undo v2 (h)',
    ],
    ['another phase', changed({ phase: 'pivot' }), 'pin', 'was compensatable and is pivot'],
    ['a condition', changed({ conditional: true }), 'migrate', 'has a condition now'],
  ] as const)('needs a version for %s', (_what, newer, verdict, what) => {
    expect(compareGraphs(chain, newer)).toEqual({
      verdict,
      needsVersion: false,
      changes: [{ step: 'b', verdict, what }],
    })
    expect(compareGraphs(chain, { ...newer, version: 1 }).needsVersion).toBe(true)
  })

  test('tells a step that came, one that went, and none of their neighbours', () => {
    const inserted = graph(2, node('a'), node('n', 'a'), node('b', 'n'), node('c', 'b'))
    expect(compareGraphs(chain, inserted).changes).toEqual([
      { step: 'n', verdict: 'migrate', what: 'was added' },
    ])
    expect(compareGraphs(inserted, chain).changes).toEqual([
      { step: 'n', verdict: 'pin', what: 'was removed' },
    ])
  })

  test('tells steps that wait for others now', () => {
    const forked = graph(2, node('a'), node('b', 'a'), node('c', 'a'))
    expect(compareGraphs(chain, forked).changes).toEqual([
      { step: 'c', verdict: 'migrate', what: 'waited for b and waits for a' },
    ])
  })
})
