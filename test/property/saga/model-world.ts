import { expect } from 'vitest'
import type { SagaDefinition } from '../../../src/saga/definition/saga-definition.ts'
import type { SagaTransition } from '../../../src/saga/machine/saga-effect.ts'
import type { ReplyInput, SagaInput, TimerInput } from '../../../src/saga/machine/saga-input.ts'
import { overdueLegs } from '../../../src/saga/machine/leg-machine.ts'
import { isBackstitchError } from '../../../src/kernel/errors.ts'
import { advance, startSaga } from '../../../src/saga/machine/saga-machine.ts'
import { interrupted } from '../../../src/saga/machine/stop-machine.ts'
import type { LegName, SagaState } from '../../../src/saga/machine/saga-state.ts'
import { type Behaviour, ModelParticipant, type Sent } from './model-participant.ts'

/** What happens next in a {@link ModelWorld}. `at` picks among what there is. */
export type Happening =
  | { readonly kind: 'command'; readonly at: number; readonly behaviour: Behaviour; readonly again: boolean }
  | { readonly kind: 'reply'; readonly at: number; readonly again: boolean }
  | { readonly kind: 'lose command'; readonly at: number }
  | { readonly kind: 'lose reply'; readonly at: number }
  | { readonly kind: 'timer'; readonly at: number }
  | { readonly kind: 'retry' | 'skip'; readonly at: number }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'cancel' | 'compensate' | 'hold' | 'resume' }
  | { readonly kind: 'noise'; readonly input: ReplyInput | TimerInput }

/** One saga, its commands and replies on the way in any order, its timers, and its participant. Checks what must hold after each move. */
export class ModelWorld {
  readonly #definition: SagaDefinition
  readonly participant = new ModelParticipant()
  readonly commands: Sent[] = []
  readonly replies: ReplyInput[] = []
  readonly #timers = new Map<string, TimerInput>()
  /** All that was ever sent, in order. */
  readonly sent: Sent[] = []
  readonly history: string[] = []
  state: SagaState
  hasSkipped = false
  /** The verbs that were not refused. */
  readonly acts = new Set<string>()
  #hasTurned = false

  constructor(definition: SagaDefinition) {
    this.#definition = definition
    const transition = startSaga(definition, 'saga-1')
    this.state = transition.state
    this.#take(transition)
  }

  get hasEnded(): boolean {
    return this.state.status === 'completed' || this.state.status === 'compensated'
  }

  happen(happening: Happening): void {
    if (happening.kind === 'command') {
      const sent = pick(this.commands, happening.at, happening.again)
      if (sent) this.replies.push(this.participant.handle(sent, happening.behaviour))
    } else if (happening.kind === 'reply') {
      const reply = pick(this.replies, happening.at, happening.again)
      if (reply) this.move(reply)
    } else if (happening.kind === 'lose command') pick(this.commands, happening.at, false)
    else if (happening.kind === 'lose reply') pick(this.replies, happening.at, false)
    else if (happening.kind === 'timer') this.fire(happening.at)
    else if (happening.kind === 'interrupt') this.#interrupt()
    else if (happening.kind === 'noise') {
      const before = this.state
      this.move(happening.input)
      expect(this.state, 'a stranger moves nothing').toBe(before)
    } else if (happening.kind === 'retry' || happening.kind === 'skip') this.#operate(happening)
    else this.#steer(happening as Extract<Happening, { kind: 'cancel' | 'compensate' | 'hold' | 'resume' }>)
  }

  /** A skip names one of the legs that have stopped; a retry does so, or means all of them. */
  #operate({ kind, at }: { kind: 'retry' | 'skip'; at: number }): void {
    if (this.state.status !== 'parked' || this.state.held !== undefined) return
    this.hasSkipped ||= kind === 'skip'
    const { stopped } = this.state
    const legs: readonly LegName[] = stopped.length > 0 ? stopped : overdueLegs(this.state)
    const one = legs[at % legs.length]
    if (one === undefined && kind === 'skip') return
    const step = kind === 'skip' || at % 2 === 0 ? one?.step : undefined
    this.move({ kind, reason: 'because', actor: 'ada', ...(step !== undefined && { step }) })
  }

  /** What the state does not allow is refused, and changes nothing. */
  #steer(happening: Extract<Happening, { kind: 'cancel' | 'compensate' | 'hold' | 'resume' }>): void {
    const before = this.state
    try {
      this.move({ ...happening, reason: 'because', actor: 'ada' })
    } catch (thrown) {
      if (!isBackstitchError(thrown, 'SAGA_STATE_REFUSES')) throw thrown
      expect(this.state).toBe(before)
      return
    }
    this.acts.add(happening.kind)
    // With a pivot of unknown outcome the operator vouches, as with a skip.
    if (happening.kind === 'compensate') this.hasSkipped = true
  }

  /** Lets everything arrive, and timers fire where nothing is left on the way, until the saga rests. */
  drain(): void {
    for (let moves = 0; moves < 1_000; moves++) {
      if (this.commands.length > 0) this.happen({ kind: 'command', at: 0, behaviour: 'ok', again: false })
      else if (this.replies.length > 0) this.happen({ kind: 'reply', at: 0, again: false })
      else if (this.#timers.size > 0) this.fire(moves)
      else return
    }
    throw new Error('the saga does not come to rest')
  }

  fire(at: number): void {
    const timer = pick([...this.#timers.values()], at, true)
    if (timer) this.move(timer)
  }

  #disarm({ step, direction, round, attempt }: TimerInput): void {
    const leg = `${direction} ${step}`
    const armed = this.#timers.get(leg)
    if (armed?.round === round && armed.attempt === attempt) this.#timers.delete(leg)
  }

  /** What the shell does when it could not write what the machine said. */
  #interrupt(): void {
    if (this.hasEnded) return
    this.state = interrupted(this.state, 'because')
    this.#timers.clear()
    this.#checkState()
  }

  move(input: SagaInput): void {
    const before = this.state
    // A timer is taken out of its table before it is handed to the machine.
    if (input.kind === 'timer') this.#disarm(input)
    const transition = advance(this.#definition, deepFrozen(before), input)
    if (before.status === 'completed' || before.status === 'compensated')
      expect(transition.changed, 'an ended saga moves no more').toBe(false)
    if (!transition.changed) {
      expect(transition.state).toBe(before)
      expect(transition.effects).toEqual([])
      return
    }
    expect(transition.effects.length).toBeGreaterThan(0)
    this.#take(transition)
  }

  #take({ state, effects }: SagaTransition): void {
    // As the database gives it back.
    this.state = JSON.parse(JSON.stringify(state)) as SagaState
    expect(this.state).toStrictEqual(state)
    for (const effect of effects) {
      const leg = `${effect.direction} ${effect.step}`
      if (effect.kind === 'record') this.history.push(effect.entry)
      else if (effect.kind === 'cancel') this.#timers.delete(leg)
      else if (effect.kind === 'schedule') {
        const { step, direction, round, attempt } = effect
        expect(effect.afterMs).toBeGreaterThan(0)
        this.#timers.set(leg, { kind: 'timer', step, direction, round, attempt })
      } else {
        this.#checkSend(effect)
        this.sent.push(effect)
        this.commands.push(effect)
      }
    }
    this.#checkState()
  }

  #checkSend(send: Sent): void {
    expect(this.state.held, 'what is held sends nothing').toBeUndefined()
    const { step, direction, round, attempt } = send
    const ofLeg = this.sent.filter((one) => one.step === step && one.direction === direction)
    const last = ofLeg.at(-1)
    if (last) {
      expect(send.request, 'one request for all attempts').toEqual(last.request)
      expect(send.key).toBe(last.key)
      expect([round, attempt]).toEqual([
        last.round === round ? round : last.round + 1,
        last.round === round ? last.attempt + 1 : 1,
      ])
    } else if (direction === 'do') {
      expect([round, attempt]).toEqual([1, 1])
      const behind = this.#step(step)?.after.map((name) => this.state.steps[name]?.do.status)
      for (const status of behind ?? [])
        expect(['ok', 'skipped', 'passed'], 'begun in order').toContain(status)
      expect(this.state.turnedBy, 'nothing is begun on the way back').toBeUndefined()
    } else {
      const forward = this.sent.filter((one) => one.step === step && one.direction === 'do').at(-1)
      expect(forward, 'only what was sent is undone').toBeDefined()
      expect([round, attempt]).toEqual([forward?.round, 1])
      for (const later of this.#allAfter(step)) this.#checkDown(later)
    }
  }

  #step(name: string): SagaDefinition['steps'][number] | undefined {
    return this.#definition.steps.find((step) => step.name === name)
  }

  /** All steps that stand on one, however far. */
  #allAfter(name: string): ReadonlySet<string> {
    const all = new Set<string>()
    for (const step of this.#definition.steps)
      if (step.after.some((before) => before === name || all.has(before))) all.add(step.name)
    return all
  }

  /** Nothing of the step stands any more. */
  #checkDown(name: string): void {
    const entry = this.state.steps[name]
    if (entry === undefined) return
    expect(entry.do.status, 'undone in reverse: nothing on its way stands on it').not.toBe('sent')
    const mayHaveRun = entry.undoBy !== undefined && entry.do.rejection === undefined
    if (mayHaveRun) expect(['ok', 'skipped'], 'undone in reverse').toContain(entry.undo?.status)
  }

  #checkState(): void {
    const { status, stopped, steps, turnedBy } = this.state
    const waiting = Object.entries(steps).flatMap(([step, entry]) => [
      ...(entry.do.status === 'sent' ? [`do ${step} ${entry.do.round} ${entry.do.attempt}`] : []),
      ...(entry.undo?.status === 'sent' ? [`undo ${step} ${entry.undo.round} ${entry.undo.attempt}`] : []),
    ])
    const armed = [...this.#timers.values()].map(
      ({ direction, step, round, attempt }) => `${direction} ${step} ${round} ${attempt}`,
    )
    expect(armed.sort(), 'a timer for each leg that waits').toEqual(waiting.sort())
    if (status === 'running' || status === 'compensating') expect(waiting.length).toBeGreaterThan(0)
    if (this.hasEnded) expect(waiting).toEqual([])
    if (stopped.length > 0) expect(status).toBe('parked')
    if (turnedBy !== undefined) expect(['compensating', 'parked', 'compensated']).toContain(status)
    else expect(['running', 'parked', 'completed']).toContain(status)
    this.#hasTurned ||= turnedBy !== undefined
    expect(turnedBy !== undefined).toBe(this.#hasTurned)
    this.#checkUndone()
    if (status === 'completed') {
      expect(Object.keys(steps).sort()).toEqual(this.#definition.steps.map(({ name }) => name).sort())
      for (const entry of Object.values(steps)) {
        expect(['ok', 'skipped', 'passed']).toContain(entry.do.status)
        expect(entry).not.toHaveProperty('undo')
      }
    }
  }

  #checkUndone(): void {
    const { steps, status } = this.state
    for (const [step, entry] of Object.entries(steps)) {
      if (entry.undo) {
        expect(entry.undoBy).toBeDefined()
        expect(entry.do.status, 'only what ran or may have run is undone').not.toBe('rejected')
      }
      if (status === 'compensated') this.#checkDown(step)
    }
  }
}

function pick<Item>(items: Item[], at: number, again: boolean): Item | undefined {
  const index = items.length === 0 ? 0 : at % items.length
  return again ? items[index] : items.splice(index, 1)[0]
}

function deepFrozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const held of Object.values(value)) deepFrozen(held)
  return Object.freeze(value)
}
