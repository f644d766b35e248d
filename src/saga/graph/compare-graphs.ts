import type { GraphCommand, SagaGraph } from './saga-graph.ts'

/** One difference between two forms of a definition. */
type GraphChange = {
  readonly step: string
  readonly what: string
  readonly verdict: GraphVerdict
}

/**
 * What a change means for sagas that run.
 * - `safe`: they may go on with the new form, under the same version
 * - `migrate`: a new version; those that have not come to the changed place may be moved to it, the others end on the old one
 * - `pin`: a new version; those that have begun the step must end on the old one
 */
type GraphVerdict = 'safe' | 'migrate' | 'pin'

/** What {@link compareGraphs} found. */
export type GraphComparison = {
  /** The strictest of the changes; `safe` where nothing changed. */
  readonly verdict: GraphVerdict
  /** In the order of the steps. */
  readonly changes: readonly GraphChange[]
  /** Whether the version was left as it was although running sagas would notice. */
  readonly needsVersion: boolean
}

const strictness: readonly GraphVerdict[] = ['safe', 'migrate', 'pin']

/**
 * Compares two forms of a saga’s definition. Code of mappers and conditions is not in a graph: a mapper that makes another request of the same shape
 * is no change here.
 *
 * @param older what runs: as it was stored, or as it was written by `backstitch saga graph --json`
 */
export function compareGraphs(older: SagaGraph, newer: SagaGraph): GraphComparison {
  const changes: GraphChange[] = []
  const add = (step: string, verdict: GraphVerdict, what: string): void =>
    void changes.push({ step, what, verdict })
  const before = new Map(older.nodes.map((node) => [node.step, node]))
  const after = new Map(newer.nodes.map((node) => [node.step, node]))

  for (const { step } of older.nodes) if (!after.has(step)) add(step, 'pin', 'was removed')
  for (const node of newer.nodes) {
    const old = before.get(node.step)
    if (old === undefined) {
      add(node.step, 'migrate', 'was added')
      continue
    }
    if (old.phase !== node.phase) add(node.step, 'pin', `was ${old.phase} and is ${node.phase}`)
    if (!sameCommand(old.send, node.send))
      add(node.step, 'pin', `sent ${named(old.send)} and sends ${named(node.send)}`)
    if (!sameCommand(old.undo, node.undo))
      add(node.step, 'pin', `was undone by ${named(old.undo)} and is undone by ${named(node.undo)}`)
    // Neighbours that came or went are told of by themselves.
    const kept = (names: readonly string[], others: ReadonlyMap<string, unknown>): string =>
      names
        .filter((name) => others.has(name))
        .toSorted()
        .join(', ')
    const [waited, waits] = [kept(old.after, after), kept(node.after, before)]
    const isNeighbourChanged =
      old.after.some((name) => !after.has(name)) || node.after.some((name) => !before.has(name))
    if (waited !== waits && !isNeighbourChanged)
      add(node.step, 'migrate', `waited for ${waited || 'nothing'} and waits for ${waits || 'nothing'}`)
    if (old.conditional !== node.conditional)
      add(node.step, 'migrate', node.conditional ? 'has a condition now' : 'has no condition any more')
    if (old.timeoutMs !== node.timeoutMs)
      add(node.step, 'safe', `waited ${old.timeoutMs} ms and waits ${node.timeoutMs} ms`)
    if (old.attemptsMax !== node.attemptsMax)
      add(
        node.step,
        'safe',
        `was sent ${old.attemptsMax} times at most and is sent ${node.attemptsMax} times`,
      )
  }
  const verdict =
    strictness[Math.max(0, ...changes.map((change) => strictness.indexOf(change.verdict)))] ?? 'safe'
  return { verdict, changes, needsVersion: verdict !== 'safe' && newer.version <= older.version }
}

function sameCommand(one: GraphCommand | undefined, other: GraphCommand | undefined): boolean {
  return one?.name === other?.name && one?.version === other?.version && one?.hash === other?.hash
}

function named(command: GraphCommand | undefined): string {
  return command === undefined
    ? 'nothing'
    : `${command.name} v${command.version} (${command.hash.slice(0, 8)})`
}
