import { expect, test } from 'vitest'
import { placeOrder } from '../../../../sagas/place-order/saga.ts'
import { drawGraph } from '../../../../src/saga/graph/draw-graph.ts'
import { isSagaGraph } from '../../../../src/saga/graph/saga-graph.ts'

test('a definition is drawn with its phases, its undos and its branches', () => {
  expect(drawGraph(placeOrder.graph)).toBe(`flowchart TD
  begin(("place-order v1"))
  s0["reserve<br/>stock.reserve v1"]
  s0 -. undo .-> s0u[/"stock.release v1"/]
  s1{{"charge<br/>payment.charge v1"}}
  s2(["ship<br/>shipping.ship v1"])
  begin --> s0
  s0 --> s1
  s1 --> s2
`)
  const send = { name: 'a "b"', version: 1, hash: 'h' }
  const node = { phase: 'compensatable', send, timeoutMs: 1, attemptsMax: 1 } as const
  const forked = drawGraph({
    name: 'fork',
    version: 2,
    nodes: [
      { ...node, step: 'a', after: [] },
      { ...node, step: 'b', after: [], conditional: true },
      { ...node, step: 'c', after: ['a', 'b'] },
    ],
  })
  expect(forked).toContain('s0["a<br/>a #quot;b#quot; v1"]')
  expect(forked).toContain('  begin --> s0\n  begin -.-> s1\n  s0 --> s2\n  s1 --> s2\n')
})

test('a graph is told from other JSON', () => {
  expect(isSagaGraph(JSON.parse(JSON.stringify(placeOrder.graph)))).toBe(true)
  for (const other of [
    null,
    7,
    [],
    {},
    { name: 'a', version: 1, nodes: [{}] },
    { name: 'a', version: 1, nodes: 1 },
  ])
    expect(isSagaGraph(other)).toBe(false)
})
