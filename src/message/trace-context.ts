import { AsyncLocalStorage } from 'node:async_hooks'
import type { Message, MessageContext } from './message.ts'

/** Where a piece of work stands in its trace, as W3C Trace Context writes it into the headers `traceparent` and `tracestate`. */
export type TraceContext = Pick<MessageContext, 'traceparent' | 'tracestate'>

/**
 * Asks where the work that runs just now stands in its trace; `undefined` where it is in none. With OpenTelemetry:
 * `() => { const carrier = {}; propagation.inject(context.active(), carrier); return carrier }`.
 */
export type TraceContextSource = () => TraceContext | undefined

/** Version, trace id, parent id, flags; what later versions add stands behind another dash. Version `ff` and ids of zeros are invalid. */
const traceparentPattern =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?<later>-[\x21-\x7e]*)?$/
const laterMax = 200

const memberPattern =
  /^[a-z0-9][a-z0-9_\-*/]{0,240}(@[a-z][a-z0-9_\-*/]{0,13})?=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
/** What others must carry on at least, and what we carry on at most. */
const tracestateLengthMax = 512
const membersMax = 32

/**
 * A trace context without what is invalid. It is dropped rather than refused, as the standard asks: a trace is never worth a message. Without a
 * valid `traceparent` a `tracestate` means nothing.
 */
export function validTraceContext({ traceparent, tracestate }: TraceContext): TraceContext {
  if (!isTraceparent(traceparent)) return {}
  return isTracestate(tracestate) ? { traceparent, tracestate } : { traceparent }
}

function isTraceparent(text: unknown): text is string {
  if (typeof text !== 'string') return false
  const found = traceparentPattern.exec(text)
  if (found === null) return false
  const later = found.groups?.['later']
  return later === undefined || (!text.startsWith('00') && later.length <= laterMax)
}

function isTracestate(text: unknown): text is string {
  if (typeof text !== 'string' || text === '' || text.length > tracestateLengthMax) return false
  const members = text
    .split(',')
    .map((member) => member.trim())
    .filter((member) => member !== '')
  return (
    members.length > 0 &&
    members.length <= membersMax &&
    members.every((member) => memberPattern.test(member))
  )
}

const handled = new AsyncLocalStorage<TraceContext>()

/** Runs work, such as a handler, in the trace of the message that it is about: what is sent in it continues that trace. */
export function inTraceOf<Result>({ traceparent, tracestate }: TraceContext, work: () => Result): Result {
  return handled.run(
    {
      ...(traceparent !== undefined && { traceparent }),
      ...(tracestate !== undefined && { tracestate }),
    },
    work,
  )
}

/** The trace of the message whose handler runs just now: the default source. A new span is a tracer’s job, so the message’s own is told. */
export const traceOfHandler: TraceContextSource = () => handled.getStore()

/** The message with the trace that the source tells, unless it has one of its own. What the source throws is no reason not to send. */
export function withTrace(message: Message, source: TraceContextSource): Message {
  if (typeof message !== 'object' || message === null || message.context?.traceparent !== undefined)
    return message
  const trace = currentTrace(source)
  if (trace.traceparent === undefined) return message
  return { ...message, context: { ...message.context, ...trace } }
}

/** What the source tells, without what is invalid. */
export function currentTrace(source: TraceContextSource): TraceContext {
  try {
    return validTraceContext(source() ?? {})
  } catch {
    return {}
  }
}
