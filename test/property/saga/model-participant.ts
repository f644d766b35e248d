import type { SagaEffect } from '../../../src/saga/machine/saga-effect.ts'
import type { ReplyInput } from '../../../src/saga/machine/saga-input.ts'
import { decideStep, type StepRecord } from '../../../src/saga/participant/barrier-machine.ts'

/** A command on its way. */
export type Sent = Extract<SagaEffect, { kind: 'send' }>

/** How a participant answers a command that is new to it. */
export type Behaviour = 'ok' | 'no' | 'garbled ok' | 'garbled no'

/** A participant in memory, behind the real barrier: the two pure machines must agree on what a round is. */
export class ModelParticipant {
  readonly #records = new Map<string, StepRecord[]>()
  /** How often the effect of each step stands. */
  readonly effects = new Map<string, number>()

  handle(sent: Sent, behaviour: Behaviour): ReplyInput {
    const { step, direction, round } = sent
    const records = this.#records.get(step) ?? []
    this.#records.set(step, records)
    const decision = decideStep(records, { direction, round }, { expired: false })
    if (decision.kind === 'refuse') return reply(sent, 'refused', { reason: decision.reason })
    if (decision.kind === 'replay') {
      const own = records.find((record) => record.direction === direction && record.round === round)
      return answer(sent, own?.outcome ?? 'lost')
    }
    if (decision.kind === 'nothing-to-undo') {
      records.push({ direction, round, outcome: 'ok' })
      return reply(sent, 'ok', null)
    }
    const outcome = behaviour === 'ok' || behaviour === 'garbled ok' ? 'ok' : refusalOf(sent)
    records.push({ direction, round, outcome })
    if (outcome === 'ok')
      this.effects.set(step, (this.effects.get(step) ?? 0) + (direction === 'do' ? 1 : -1))
    return behaviour.startsWith('garbled') ? reply(sent, outcome, { garbled: true }) : answer(sent, outcome)
  }
}

function refusalOf({ command }: Sent): string {
  return Object.hasOwn(command.rejected, 'no') ? 'rejected.no' : 'rejected.foreign'
}

function answer(sent: Sent, outcome: string): ReplyInput {
  return reply(sent, outcome, outcome === 'ok' ? { by: sent.step } : { why: 'because' })
}

function reply({ step, direction, round, attempt }: Sent, outcome: string, body: unknown): ReplyInput {
  return { kind: 'reply', step, direction, round, attempt, outcome, body }
}
