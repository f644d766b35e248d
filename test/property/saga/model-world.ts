import { expect } from 'vitest'
import type { SagaDefinition } from '../../../src/saga/definition/saga-definition.ts'
import type { SagaTransition } from '../../../src/saga/machine/saga-effect.ts'
import type { ReplyInput, SagaInput, TimerInput } from '../../../src/saga/machine/saga-input.ts'
import { advance, startSaga } from '../../../src/saga/machine/saga-machine.ts'
import type { SagaState } from '../../../src/saga/machine/saga-state.ts'
import { type Behaviour, ModelParticipant, type Sent } from './model-participant.ts'

/** What happens next in a {@link ModelWorld}. `at` picks among what there is. */
export type Happening =
  | { readonly kind: 'command'; readonly at: number; readonly behaviour: Behaviour; readonly again: boolean }
  | { readonly kind: 'reply'; readonly at: number; readonly again: boolean }
  | { readonly kind: 'lose command' | 'lose reply'; readonly at: number }
  | { readonly kind: 'timer' }
  | { readonly kind: 'retry' | 'skip' }
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
    else if (happening.kind === 'timer') this.fire()
    else if (happening.kind === 'noise') {
      const before = this.state
      this.move(happening.input)
      expect(this.state, 'a stranger moves nothing').toBe(before)
    } else if (this.state.status === 'parked') {
      this.hasSkipped ||= happening.kind === 'skip'
      this.move({ kind: happening.kind, reason: 'because', actor: 'ada' })
    }
  }

  /** Lets everything arrive, and timers fire where nothing is left on the way, until the saga rests. */
  drain(): void {
    for (let moves = 0; moves < 1_000; moves++) {
      if (this.commands.length > 0) this.happen({ kind: 'command', at: 0, behaviour: 'ok', again: false })
      else if (this.replies.length > 0) this.happen({ kind: 'reply', at: 0, again: false })
      else if (this.#timers.size > 0) this.fire()
      else return
    }
    throw new Error('the saga does not come to rest')
  }

  fire(): void {
    const [timer] = this.#timers.values()
    if (timer) this.move(timer)
  }

  move(input: SagaInput): void {
    const before = this.state
    const transition = advance(this.#definition, deepFrozen(before), input)
    if (before.cursor === null) expect(transition.changed, 'an ended saga moves no more').toBe(false)
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
    const { step, direction, round, attempt } = send
    const ofLeg = this.sent.filter((one) => one.step === step && one.direction === direction)
    const last = ofLeg.at(-1)
    if (last) {
      expect(send.request, 'one request for all attempts').toEqual(last.request)
      expect(send.key).toBe(last.key)
      expect([round, attempt]).toEqual(last.round === round ? [round, last.attempt + 1] : [last.round + 1, 1])
    } else if (direction === 'do') {
      expect([round, attempt]).toEqual([1, 1])
    } else {
      const forward = this.sent.filter((one) => one.step === step && one.direction === 'do').at(-1)
      expect(forward, 'only what was sent is undone').toBeDefined()
      expect([round, attempt]).toEqual([forward?.round, 1])
    }
  }

  #checkState(): void {
    const { status, cursor, steps } = this.state
    const waiting = Object.entries(steps).flatMap(([step, entry]) => [
      ...(entry.do.status === 'sent' ? [`do ${step} ${entry.do.round} ${entry.do.attempt}`] : []),
      ...(entry.undo?.status === 'sent' ? [`undo ${step} ${entry.undo.round} ${entry.undo.attempt}`] : []),
    ])
    const armed = [...this.#timers.values()].map(
      ({ direction, step, round, attempt }) => `${direction} ${step} ${round} ${attempt}`,
    )
    expect(armed, 'a timer for the leg that waits').toEqual(waiting)
    expect(waiting.length).toBe(status === 'running' || status === 'compensating' ? 1 : 0)
    if (waiting[0]) expect(waiting[0]).toMatch(new RegExp(`^${cursor?.direction} ${cursor?.step} `))
    expect(cursor === null).toBe(this.hasEnded)

    this.#hasTurned ||= status === 'compensating'
    if (this.#hasTurned) expect(['compensating', 'parked', 'compensated']).toContain(status)
    const names = this.#definition.steps.map(({ name }) => name)
    const begun = Object.keys(steps)
    expect(begun, 'forward in order').toEqual(names.slice(0, begun.length))
    this.#checkUndone(begun)
    if (status === 'completed') {
      expect(begun).toEqual(names)
      for (const entry of Object.values(steps)) {
        expect(['ok', 'skipped']).toContain(entry.do.status)
        expect(entry).not.toHaveProperty('undo')
      }
    }
  }

  #checkUndone(begun: readonly string[]): void {
    const { steps, status } = this.state
    const firstUndos = this.sent
      .filter(({ direction, attempt, round, step }) => {
        const first = this.sent.find((one) => one.step === step && one.direction === 'undo')
        return direction === 'undo' && first?.round === round && attempt === 1
      })
      .map(({ step }) => step)
    expect(firstUndos, 'undone in reverse').toEqual(
      begun.filter((step) => firstUndos.includes(step)).reverse(),
    )
    for (const step of begun) {
      const entry = steps[step]
      if (entry?.undo === undefined) continue
      expect(entry.undoBy).toBeDefined()
      expect(entry.do.status, 'only what ran or may have run is undone').not.toBe('rejected')
    }
    if (status !== 'compensated') return
    for (const step of begun) {
      const entry = steps[step]
      const ran = entry?.do.status === 'ok' || entry?.do.status === 'unknown'
      if (ran && entry.undoBy) expect(['ok', 'skipped']).toContain(entry.undo?.status)
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
