/** A command in a graph: enough to tell that the contract changed. */
export type GraphCommand = { readonly name: string; readonly version: number; readonly hash: string }

/** A step in a graph. `after` names the steps that must be done before. */
type GraphNode = {
  readonly step: string
  readonly phase: 'compensatable' | 'pivot' | 'retriable'
  readonly after: readonly string[]
  /** Whether the step has a condition, which is code. */
  readonly conditional?: true
  readonly send: GraphCommand
  readonly undo?: GraphCommand
  readonly timeoutMs: number
  readonly attemptsMax: number
}

/** A definition as data: what is stored with the instances, drawn, and compared between versions. */
export type SagaGraph = {
  readonly name: string
  readonly version: number
  readonly nodes: readonly GraphNode[]
}

/** Whether a value read from a file is a graph. */
export function isSagaGraph(value: unknown): value is SagaGraph {
  const { name, version, nodes } = (value ?? {}) as { name?: unknown; version?: unknown; nodes?: unknown }
  return (
    typeof name === 'string' && typeof version === 'number' && Array.isArray(nodes) && nodes.every(isNode)
  )
}

function isNode(value: unknown): boolean {
  const { step, after, send } = (value ?? {}) as { step?: unknown; after?: unknown; send?: unknown }
  return typeof step === 'string' && Array.isArray(after) && typeof send === 'object' && send !== null
}
