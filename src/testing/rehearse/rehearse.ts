import { type Duration, durationMs } from '../../kernel/duration.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { z } from 'zod'
import type { SagaDefinition } from '../../saga/definition/saga-definition.ts'
import type { SagaTransition } from '../../saga/machine/saga-effect.ts'
import type { LegAddress, SagaInput } from '../../saga/machine/saga-input.ts'
import { advance, startSaga } from '../../saga/machine/saga-machine.ts'
import type { SagaState, SagaStatus } from '../../saga/machine/saga-state.ts'

/** A command that a saga has sent. */
export type RehearsedCommand = LegAddress & {
  /** The name of its contract. */
  readonly command: string
  readonly request: unknown
}

/** A saga in rehearsal: you are its participants, its clock and its operator. */
export type Rehearsal = {
  readonly status: SagaStatus
  /** Why it is parked, or is being or was compensated. */
  readonly reason: string | undefined
  /** The commands that wait for their answers. */
  readonly waiting: readonly RehearsedCommand[]
  /** All commands that were sent, in order. */
  readonly sent: readonly RehearsedCommand[]
  /** What happened, in words: `sent reserve`, `compensating`, `ok undo reserve`. */
  readonly history: readonly string[]
  /**
   * Answers a step; its undo where that is what the step waits for.
   *
   * @param outcome `ok` or the name of a rejection
   * @param body of the answer; a body that does not fit the contract parks the saga, as it does in earnest
   * @param leg an answer to another attempt, round or direction than the one that was sent last: a late one, say
   * @throws `CONFIG_INVALID` where no command of the step was ever sent
   */
  reply(step: string, outcome: string, body?: unknown, leg?: Partial<Omit<LegAddress, 'step'>>): void
  /** Lets time pass: what waits longer than its timeout is sent again, undone or parked. */
  elapse(duration: Duration): void
  /** An operator tries again what has stopped. @throws `SAGA_STATE_REFUSES` */
  retry(step?: string): void
  /** An operator passes over what has stopped. @throws `SAGA_STATE_REFUSES` */
  skip(step?: string): void
}

/**
 * Starts a saga without services, on the engine’s own machine and a clock of its own: for tests of a definition.
 *
 * @throws `MESSAGE_INVALID` when the input does not fit
 * @example
 * const saga = rehearse(placeOrder, order)
 * saga.reply('reserve', 'ok', { reservationId: 'r-1' })
 * saga.reply('charge', 'cardDeclined', { reason: 'insufficient funds' })
 * expect(saga.waiting).toMatchObject([{ step: 'reserve', direction: 'undo', command: 'stock.release' }])
 * saga.elapse('10s')
 */
export function rehearse<Input extends z.ZodType>(
  definition: SagaDefinition<Input>,
  input: z.input<Input>,
): Rehearsal {
  let nowMs = 0
  const sent: RehearsedCommand[] = []
  const history: string[] = []
  const timers = new Map<string, LegAddress & { readonly dueMs: number }>()

  const taken = ({ state: next, effects }: SagaTransition): SagaState => {
    for (const effect of effects) {
      const leg = `${effect.direction} ${effect.step}`
      if (effect.kind === 'record') {
        const at = effect.direction === 'undo' ? `undo ${effect.step}` : effect.step
        history.push(at === undefined ? effect.entry : `${effect.entry} ${at}`)
      } else if (effect.kind === 'cancel') timers.delete(leg)
      else {
        const { step, direction, round, attempt } = effect
        const address = { step, direction, round, attempt }
        if (effect.kind === 'schedule') timers.set(leg, { ...address, dueMs: nowMs + effect.afterMs })
        else sent.push({ ...address, command: effect.command.name, request: effect.request })
      }
    }
    // As it comes back from the database.
    return JSON.parse(JSON.stringify(next)) as SagaState
  }
  let state = taken(startSaga(definition, input))
  const move = (next: SagaInput): void => {
    state = taken(advance(definition, state, next))
  }
  const waiting = (): RehearsedCommand[] =>
    sent.filter(({ step, direction, round, attempt }) => {
      const leg = state.steps[step]?.[direction]
      return leg?.status === 'sent' && leg.round === round && leg.attempt === attempt
    })
  const operate = (kind: 'retry' | 'skip', step: string | undefined): void =>
    move({ kind, reason: 'rehearsed', actor: 'rehearsal', ...(step !== undefined && { step }) })

  return {
    get status() {
      return state.status
    },
    get reason() {
      return state.reason
    },
    get waiting() {
      return waiting()
    },
    get sent() {
      return [...sent]
    },
    get history() {
      return [...history]
    },
    reply: (step, outcome, body = {}, leg = {}) => {
      const ofStep = (one: RehearsedCommand): boolean =>
        one.step === step && (leg.direction === undefined || one.direction === leg.direction)
      const command = waiting().findLast(ofStep) ?? sent.findLast(ofStep)
      if (command === undefined)
        throw new BackstitchError(
          'CONFIG_INVALID',
          `${definition.name}: no command of the step ${step} was sent`,
        )
      const { direction, round, attempt } = command
      const said = outcome === 'ok' ? outcome : `rejected.${outcome}`
      move({ kind: 'reply', step, direction, round, attempt, ...leg, outcome: said, body })
    },
    elapse: (duration) => {
      const untilMs = nowMs + durationMs(duration)
      for (;;) {
        const [next] = [...timers.values()].sort((one, other) => one.dueMs - other.dueMs)
        if (next === undefined || next.dueMs > untilMs) break
        const { step, direction, round, attempt } = next
        timers.delete(`${direction} ${step}`)
        nowMs = next.dueMs
        move({ kind: 'timer', step, direction, round, attempt })
      }
      nowMs = untilMs
    },
    retry: (step) => operate('retry', step),
    skip: (step) => operate('skip', step),
  }
}
