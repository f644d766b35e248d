import { newId } from '../../kernel/ids.ts'
import type { ReceivedMessage } from '../../message/message.ts'
import type { DueTimer } from '../../timer/timer.ts'

/**
 * What made a saga move. The ids of the commands that follow derive from it, so that doing the same work again, after a crash or in a
 * smaller batch, sends the same ids.
 *
 * A derived id keeps the 48 bits of time of its base, and the inboxes of the participants are partitioned by those bits. The base is
 * therefore of about the time at which the command is sent, not of the time at which the saga began, which may be weeks ago.
 */
export type SagaCause = {
  readonly idBase: string
  /** The message that moved the saga; a timer, an operator and a start in the orchestrator’s own database have none. */
  readonly messageId?: string
  readonly traceparent?: string
  readonly tracestate?: string
}

type Trace = { readonly traceparent?: string; readonly tracestate?: string }

/** The base has the time at which the message was written, which its redeliveries share; that of its id where it has none. */
export function causeOfMessage({
  id,
  createdAtUs,
  context,
}: Pick<ReceivedMessage, 'id' | 'createdAtUs' | 'context'>): SagaCause {
  const base = createdAtUs === undefined ? undefined : timeBase(Number(createdAtUs / 1_000n))
  return { idBase: base ?? id, messageId: id, ...traceOf(context) }
}

/** The base has the time at which the timer was due, which a second firing of the same timer shares. `trace`: that of the saga’s start. */
export function causeOfTimer({ saga_id, dueAtMs }: DueTimer, trace: Trace = {}): SagaCause {
  return { idBase: timeBase(dueAtMs) ?? saga_id, ...traceOf(trace) }
}

/** The base is the saga’s id, which begins with the time of the start. */
export function causeOfStart(sagaId: string, trace: Trace = {}): SagaCause {
  return { idBase: sagaId, ...traceOf(trace) }
}

/** An operator’s act happens once, in one transaction, so its base is new. `trace`: that of the saga’s start. */
export function causeOfOperator(trace: Trace = {}): SagaCause {
  return { idBase: newId(), ...traceOf(trace) }
}

/** A UUID of nothing but a time, or nothing where the time does not fit into its 48 bits. */
function timeBase(ms: number): string | undefined {
  if (!(ms >= 0 && ms < 2 ** 48)) return undefined
  const hex = Math.floor(ms).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-8000-8000-000000000000`
}

/** The trace context of something that has one, and nothing else of it. */
export function traceOf({ traceparent, tracestate }: Trace): Trace {
  return {
    ...(traceparent !== undefined && { traceparent }),
    ...(tracestate !== undefined && { tracestate }),
  }
}
