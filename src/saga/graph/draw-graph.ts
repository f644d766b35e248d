import type { GraphCommand, SagaGraph } from './saga-graph.ts'

const shapes = {
  compensatable: ['[', ']'],
  pivot: ['{{', '}}'],
  retriable: ['([', '])'],
} as const

/**
 * Draws a graph as a flowchart of Mermaid: compensatable steps as boxes with their undos beside them, the pivot as a hexagon, retriable steps
 * rounded; a dotted arrow leads to a step with a condition.
 *
 * @example drawGraph(placeOrder.graph) // 'flowchart TD\n  begin((place-order v1)) --> s0\n  …'
 */
export function drawGraph({ name, version, nodes }: SagaGraph): string {
  const ids = new Map(nodes.map(({ step }, index) => [step, `s${index}`]))
  const lines = [`flowchart TD`, `  begin((${quoted(`${name} v${version}`)}))`]
  for (const { step, phase, send, undo } of nodes) {
    const id = ids.get(step)
    const [open, close] = shapes[phase]
    lines.push(`  ${id}${open}${quoted(`${step}<br/>${commandName(send)}`)}${close}`)
    if (undo) lines.push(`  ${id} -. undo .-> ${id}u[/${quoted(commandName(undo))}/]`)
  }
  for (const { step, after, conditional } of nodes)
    for (const before of after.length > 0 ? after : [undefined])
      lines.push(
        `  ${before === undefined ? 'begin' : ids.get(before)} ${conditional ? '-.->' : '-->'} ${ids.get(step)}`,
      )
  return `${lines.join('\n')}\n`
}

function commandName({ name, version }: GraphCommand): string {
  return `${name} v${version}`
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '#quot;')}"`
}
