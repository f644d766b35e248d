import { backoffMs } from '../../kernel/backoff.ts'
import { type BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { Metrics } from '../../kernel/metrics/metrics.ts'
import { relayFailures } from '../telemetry/relay-metrics.ts'

/** A failure that a person has to see to is tried again so often: it may have been seen to. */
const permanentFailurePauseMs = 5_000

/** What is to be done about a failure. */
export type Trouble = {
  readonly reason: string
  /** Until the next try: it grows from failure to failure. */
  readonly pauseMs: number
}

/**
 * What is wrong with the parts of one outbox’s relay: its steward and its shards. Each reason is logged once, however many parts have it and
 * however often they fail, and “works again” once, when the last of them does. A part is over its trouble only when it says so: a lease
 * that is gained and lost again by the same failure is no recovery.
 */
export class Troubles {
  readonly #logger: Logger
  readonly #metrics: Metrics
  readonly #database: string
  readonly #parts = new Map<string, { failures: number; readonly reasons: Set<string> }>()

  constructor(database: string, logger: Logger, metrics: Metrics) {
    this.#database = database
    this.#logger = logger
    this.#metrics = metrics
  }

  /** Notes a failure of a part. */
  note(part: string, error: unknown): Trouble {
    const reason = reasonOf(error)
    const code = isBackstitchError(error) ? error.code : undefined
    const permanent = isBackstitchError(error) && !error.retriable
    const isKnown = [...this.#parts.values()].some(({ reasons }) => reasons.has(reason))
    const trouble = this.#parts.get(part) ?? { failures: 0, reasons: new Set() }
    trouble.failures++
    trouble.reasons.add(reason)
    this.#parts.set(part, trouble)
    if (!isKnown) this.#logger[permanent ? 'error' : 'warn']({ code, reason }, messageOf(code))
    this.#metrics.counter(relayFailures, { database: this.#database, code: code ?? 'UNEXPECTED' }).add(1)
    const pauseMs = permanent
      ? permanentFailurePauseMs
      : backoffMs(trouble.failures, undefined, Math.random())
    return { reason, pauseMs }
  }

  /** The part has worked for a while, or has gone. */
  over(part: string): void {
    if (this.#parts.delete(part) && this.#parts.size === 0) this.#logger.info({}, 'works again')
  }

  /** The part has gone, and nothing is known of whether it would work. */
  forget(part: string): void {
    this.#parts.delete(part)
  }
}

function messageOf(code: string | undefined): string {
  if (code === 'DATABASE_UNREACHABLE') return 'waiting for the database: it does not answer'
  if (code === 'DATABASE_IS_STANDBY') return 'waiting for a primary: this database is a standby'
  return 'the relay of this database failed and begins again'
}

/** A stop that was cut short is no failure. */
export function isStopDeadline(error: unknown): error is BackstitchError {
  return isBackstitchError(error, 'STOP_DEADLINE_PASSED')
}
