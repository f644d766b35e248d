import { hash } from 'node:crypto'
import type { SagaDefinition } from '../../saga/definition/saga-definition.ts'
import { advance, startSaga } from '../../saga/machine/saga-machine.ts'
import { decideStep } from '../../saga/participant/barrier-machine.ts'
import { answersOf, type StepSamples } from './answers.ts'
import {
  beginWorld,
  type ExploredMachines,
  type ExploredSetting,
  type ExploredWorld,
  movesFrom,
  type OnItsWay,
} from './explored-world.ts'
import { narrowedDefinition } from './narrowed-definition.ts'
import { brokenRule } from './world-rules.ts'
import { sampleBody } from './sample-body.ts'

/** How far {@link explore} goes. */
export type ExploreOptions = {
  /** What the saga is started with. Default: made up from the schema of its input. */
  readonly input?: unknown
  /** What participants answer, by step. Default: made up from the schemas of the contracts. */
  readonly samples?: Readonly<Record<string, StepSamples>>
  /** Messages that are lost or arrive twice, on one path. Default 1. */
  readonly faultsMax?: number
  /** Timers that fire while a message is on its way, on one path; where none is, they fire anyhow. Default 2. */
  readonly earlyTimersMax?: number
  /** Attempts of each step, at most. Default 2. */
  readonly attemptsMax?: number
  /** How often an operator retries or skips what has stopped, on one path. Default 0: a parked saga waits. */
  readonly operatorActsMax?: number
  /** Ends the search, unfinished. Default 300,000. */
  readonly statesMax?: number
  /** Puts other machines in the place of the engine’s own, to see that the search finds their faults. */
  readonly machines?: Partial<ExploredMachines>
}

/** What {@link explore} found. */
export type Exploration = {
  /** Different states of saga, participants and messages that were met. */
  readonly states: number
  /** Whether these were all. */
  readonly complete: boolean
  /** Of the states in which nothing can happen any more, or only by an operator. */
  readonly ends: { readonly completed: number; readonly compensated: number; readonly parked: number }
  /** The shortest way to a broken promise, in words, if there is one. */
  readonly counterexample?: string
}

/**
 * Enumerates all that may happen to a saga, on the engine’s own machines and without services: participants answer each of the outcomes of
 * their contracts, messages arrive in any order, late, twice or never, and timers fire too early. (A crash looks like this too: a transaction
 * that was committed is delivered again, one that was not comes later.) Proves that each path ends with all steps done, with all of them
 * undone in the reverse of the graph, or parked where nobody can know the outcome; and that mappers are pure and fail on no path. Faults and
 * early timers are few on each path, as the options say: what breaks a saga nearly always needs one or two (Musuvathi and Qadeer, Iterative
 * Context Bounding, PLDI 2007).
 *
 * The search is breadth first, as model checkers do it (Holzmann, The SPIN Model Checker), so the first counterexample is a shortest one.
 *
 * @throws `CONFIG_INVALID` where a sample is needed that cannot be made up, or one does not fit its contract
 * @example
 * test('place-order ends all-done or all-undone', () => {
 *   const { counterexample, complete } = explore(placeOrder)
 *   expect(counterexample).toBeUndefined()
 *   expect(complete).toBe(true) // else the search was cut off, and proves nothing
 * })
 */
export function explore(definition: SagaDefinition, options: ExploreOptions = {}): Exploration {
  const { faultsMax = 1, attemptsMax = 2, statesMax = 300_000 } = options
  const setting: ExploredSetting = {
    definition: narrowedDefinition(definition, attemptsMax),
    machines: { startSaga, advance, decideStep, ...options.machines },
    answers: answersOf(definition, options.samples ?? {}),
  }
  const input = options.input ?? sampleBody(definition.input, 'input')
  const trail: { readonly before: number; readonly label: string }[] = []
  const met = new Set<string>()
  const ends = { completed: 0, compensated: 0, parked: 0 }
  let frontier: { readonly at: number; readonly world: ExploredWorld; readonly print: string }[] = []

  const meet = (before: number, label: string, world: ExploredWorld, print: string): void => {
    if (met.has(print)) return
    met.add(print)
    trail.push({ before, label })
    frontier.push({ at: trail.length - 1, world, print })
  }
  const found = (at: number, what: string): Exploration => {
    const path: string[] = []
    for (let step = trail[at]; step !== undefined; step = trail[step.before]) path.unshift(step.label)
    const lines = path.map((label, index) => `  ${index + 1}. ${label}`)
    return {
      states: met.size,
      complete: false,
      ends,
      counterexample: `${definition.name} v${definition.version}: ${what}\n${lines.join('\n')}`,
    }
  }

  const left = {
    faultsLeft: faultsMax,
    earlyTimersLeft: options.earlyTimersMax ?? 2,
    actsLeft: options.operatorActsMax ?? 0,
  }
  const first = beginWorld(setting, input, left)
  meet(-1, 'the saga is started', first, fingerprint(first))
  while (frontier.length > 0) {
    const layer = frontier
    frontier = []
    for (const { at, world, print } of layer) {
      // What changes nothing does not count: a saga that only stands still will stand for ever.
      const moves = movesFrom(world, setting)
        .map((move) => ({ ...move, print: fingerprint(move.world) }))
        .filter((move) => move.print !== print)
      const broken = brokenRule(definition, world, moves.length > 0)
      if (broken !== undefined) return found(at, broken)
      const { status } = world.saga
      if (moves.length === 0 && (status === 'completed' || status === 'compensated' || status === 'parked'))
        ends[status] += 1
      for (const move of moves) meet(at, move.label, move.world, move.print)
      if (met.size >= statesMax) return { states: met.size, complete: false, ends }
    }
  }
  return { states: met.size, complete: true, ends }
}

function fingerprint(world: ExploredWorld): string {
  const { saga, records, effects, commands, replies, faultsLeft, earlyTimersLeft, actsLeft, broken } = world
  const messages = [ways(commands), ways(replies)]
  const left = [faultsLeft, earlyTimersLeft, actsLeft]
  const parts = [saga, sorted(records), sorted(effects), messages, left, broken]
  return hash('sha1', JSON.stringify(parts), 'base64')
}

function sorted(record: Readonly<Record<string, unknown>>): readonly unknown[] {
  return Object.entries(record).toSorted(([one], [other]) => (one < other ? -1 : 1))
}

/** Messages arrive in any order, so the order in which they were sent does not count. */
function ways(list: readonly OnItsWay[]): readonly string[] {
  return list
    .map(
      ({ step, direction, round, attempt, outcome }) =>
        `${direction} ${step} ${round} ${attempt} ${outcome ?? ''}`,
    )
    .toSorted()
}
