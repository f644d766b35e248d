import type { SagaDefinition } from '../../saga/definition/saga-definition.ts'
import type { SagaTransition } from '../../saga/machine/saga-effect.ts'
import type { LegAddress, ReplyInput, SagaInput } from '../../saga/machine/saga-input.ts'
import type { SagaState } from '../../saga/machine/saga-state.ts'
import type { BarrierDecision, Leg, StepRecord } from '../../saga/participant/barrier-machine.ts'
import type { SagaMachine } from '../../saga/transition/machine-port.ts'

/** A command or a reply on its way. */
export type OnItsWay = LegAddress & { readonly outcome?: string }

/** How often the effect of a step was applied, and taken back, at its participant. */
type StepEffect = { readonly done: number; readonly undone: number }

/** All that there is of one saga, its participants and the messages between them, at one moment. */
export type ExploredWorld = {
  readonly saga: SagaState
  readonly records: Readonly<Record<string, readonly StepRecord[]>>
  readonly effects: Readonly<Record<string, StepEffect>>
  readonly commands: readonly OnItsWay[]
  readonly replies: readonly OnItsWay[]
  /** Messages that may still be lost or delivered twice. */
  readonly faultsLeft: number
  /** Timers that may still fire while a message is on its way. */
  readonly earlyTimersLeft: number
  /** What an operator may still do. */
  readonly actsLeft: number
  /** A rule that was broken by the move that led here. */
  readonly broken?: string
}

/** One thing that may happen next. */
export type Move = { readonly label: string; readonly world: ExploredWorld }

/** The pure functions under test: those of the engine, unless a test puts others in their place. */
export type ExploredMachines = SagaMachine & {
  readonly decideStep: (
    records: readonly StepRecord[],
    leg: Leg,
    options: { readonly expired: boolean },
  ) => BarrierDecision
}

/** What a participant may answer, by step and direction: outcomes with their bodies. */
export type Answers = (step: string, direction: 'do' | 'undo') => ReadonlyMap<string, unknown>

/** What the moves of a world depend on. */
export type ExploredSetting = {
  readonly definition: SagaDefinition
  readonly machines: ExploredMachines
  readonly answers: Answers
}

/** The world in which a saga has just been started. */
export function beginWorld(
  setting: ExploredSetting,
  input: unknown,
  left: Pick<ExploredWorld, 'faultsLeft' | 'earlyTimersLeft' | 'actsLeft'>,
): ExploredWorld {
  const nothing: ExploredWorld = {
    saga: { status: 'running', input: null, stopped: [], steps: {} },
    records: {},
    effects: {},
    commands: [],
    replies: [],
    ...left,
  }
  return moved(nothing, setting.machines.startSaga(setting.definition, input))
}

/** All that may happen next: messages arrive in any order, twice or never; timers fire at any time. */
export function movesFrom(world: ExploredWorld, setting: ExploredSetting): readonly Move[] {
  return [
    ...distinct(world.commands).flatMap((command) => commandMoves(world, command, setting)),
    ...distinct(world.replies).flatMap((reply) => replyMoves(world, reply, setting)),
    ...timerMoves(world, setting),
    ...operatorMoves(world, setting),
  ]
}

function commandMoves(world: ExploredWorld, command: OnItsWay, setting: ExploredSetting): readonly Move[] {
  const name = `the command ${named(command)}`
  const arrived = { ...world, commands: without(world.commands, command) }
  const once = carriedOut(arrived, command, setting).map(({ label, world: next }) => ({
    label: `${name} arrives: ${label}`,
    world: next,
  }))
  if (world.faultsLeft === 0) return once
  const faulty = { ...world, faultsLeft: world.faultsLeft - 1 }
  return [
    ...once,
    { label: `${name} is lost`, world: { ...faulty, commands: arrived.commands } },
    ...carriedOut(faulty, command, setting).map(({ label, world: next }) => ({
      label: `${name} arrives, and will once more: ${label}`,
      world: next,
    })),
  ]
}

/** What the participant makes of a command, behind the real barrier. */
function carriedOut(world: ExploredWorld, command: OnItsWay, setting: ExploredSetting): readonly Move[] {
  const { step, direction, round } = command
  const records = world.records[step] ?? []
  const decision = setting.machines.decideStep(records, { direction, round }, { expired: false })
  const answered = (outcome: string, next: ExploredWorld = world): ExploredWorld => ({
    ...next,
    replies: [...next.replies, { ...command, outcome }],
  })
  const recorded = (outcome: string): ExploredWorld => ({
    ...world,
    records: { ...world.records, [step]: [...records, { direction, round, outcome }] },
  })
  switch (decision.kind) {
    case 'replay': {
      const own = records.find((one) => one.direction === direction && one.round === round)
      return [{ label: 'the stored answer again', world: answered(own?.outcome ?? 'ok') }]
    }
    case 'refuse':
      return [{ label: 'refused, since it was undone', world: answered('refused') }]
    case 'nothing-to-undo':
      return [{ label: 'there is nothing to undo', world: answered('ok', recorded('ok')) }]
    default:
      return [...setting.answers(step, direction).keys()].map((outcome) => ({
        label: outcome,
        world: answered(outcome, withEffect(recorded(outcome), command, outcome, setting.definition)),
      }))
  }
}

function withEffect(
  world: ExploredWorld,
  { step, direction }: OnItsWay,
  outcome: string,
  definition: SagaDefinition,
): ExploredWorld {
  if (outcome !== 'ok') return world
  const { done, undone } = world.effects[step] ?? { done: 0, undone: 0 }
  const effect = direction === 'do' ? { done: done + 1, undone } : { done, undone: undone + 1 }
  const broken =
    effect.done - effect.undone > 1
      ? `${step} was done twice`
      : effect.done - effect.undone < 0
        ? `${step} was undone more often than it was done`
        : direction === 'undo'
          ? undoneTooEarly(world, step, definition)
          : undefined
  return { ...world, effects: { ...world.effects, [step]: effect }, ...(broken !== undefined && { broken }) }
}

/** Whether something that has an undo still stands on the step. */
function undoneTooEarly(world: ExploredWorld, step: string, definition: SagaDefinition): string | undefined {
  const later = new Set([step])
  for (const { name, after, undo } of definition.steps) {
    if (!after.some((before) => later.has(before))) continue
    later.add(name)
    const { done, undone } = world.effects[name] ?? { done: 0, undone: 0 }
    const wasSkipped = world.saga.steps[name]?.undo?.status === 'skipped'
    if (undo !== undefined && done > undone && !wasSkipped)
      return `${step} was undone before ${name}, which stands on it`
  }
  return undefined
}

function replyMoves(world: ExploredWorld, reply: OnItsWay, setting: ExploredSetting): readonly Move[] {
  const { outcome = 'ok', step, direction } = reply
  const name = `the answer ${outcome} to ${named(reply)}`
  const answers = setting.answers(step, direction)
  const isNothing = direction === 'undo' && outcome === 'ok' && (world.effects[step]?.undone ?? 0) === 0
  const body = isNothing ? null : answers.get(outcome)
  const { round, attempt } = reply
  const input: ReplyInput = { kind: 'reply', step, direction, round, attempt, outcome, body }
  const arrived = { ...world, replies: without(world.replies, reply) }
  const once = advanced(arrived, `${name} arrives`, input, setting)
  if (world.faultsLeft === 0) return [once]
  const faulty = { ...world, faultsLeft: world.faultsLeft - 1 }
  return [
    once,
    { label: `${name} is lost`, world: { ...faulty, replies: arrived.replies } },
    advanced(faulty, `${name} arrives, and will once more`, input, setting),
  ]
}

function timerMoves(now: ExploredWorld, setting: ExploredSetting): readonly Move[] {
  const isEarly = now.commands.length + now.replies.length > 0
  if (isEarly && now.earlyTimersLeft === 0) return []
  const world = isEarly ? { ...now, earlyTimersLeft: now.earlyTimersLeft - 1 } : now
  return Object.entries(world.saga.steps).flatMap(([step, entry]) =>
    (['do', 'undo'] as const).flatMap((direction) => {
      const leg = entry[direction]
      if (leg?.status !== 'sent') return []
      const { round, attempt } = leg
      const at = { step, direction, round, attempt }
      return [advanced(world, `the timer of ${named(at)} fires`, { kind: 'timer', ...at }, setting)]
    }),
  )
}

function operatorMoves(world: ExploredWorld, setting: ExploredSetting): readonly Move[] {
  const acted = { ...world, actsLeft: world.actsLeft - 1 }
  return (world.actsLeft > 0 ? world.saga.stopped : []).flatMap(({ step }) =>
    (['retry', 'skip'] as const).map((kind) =>
      advanced(
        acted,
        `an operator: ${kind} of ${step}`,
        { kind, step, reason: 'explored', actor: 'nobody' },
        setting,
      ),
    ),
  )
}

function advanced(world: ExploredWorld, label: string, input: SagaInput, setting: ExploredSetting): Move {
  return { label, world: moved(world, setting.machines.advance(setting.definition, world.saga, input)) }
}

function moved(world: ExploredWorld, { state, effects }: SagaTransition): ExploredWorld {
  const sent = effects
    .filter((effect) => effect.kind === 'send')
    .map(({ step, direction, round, attempt }): OnItsWay => ({ step, direction, round, attempt }))
  return { ...world, saga: state, commands: [...world.commands, ...sent] }
}

function named({ step, direction, round, attempt }: LegAddress): string {
  const leg = direction === 'do' ? step : `undo of ${step}`
  return round === 1 && attempt === 1 ? leg : `${leg} (round ${round}, attempt ${attempt})`
}

function sameWay(one: OnItsWay, other: OnItsWay): boolean {
  return (
    one.step === other.step &&
    one.direction === other.direction &&
    one.round === other.round &&
    one.attempt === other.attempt &&
    one.outcome === other.outcome
  )
}

function distinct(ways: readonly OnItsWay[]): readonly OnItsWay[] {
  return ways.filter((way, index) => ways.findIndex((other) => sameWay(way, other)) === index)
}

function without(ways: readonly OnItsWay[], gone: OnItsWay): readonly OnItsWay[] {
  const index = ways.findIndex((way) => sameWay(way, gone))
  return [...ways.slice(0, index), ...ways.slice(index + 1)]
}
