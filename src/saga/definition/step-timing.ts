import type { BackoffPolicy } from '../../kernel/backoff.ts'
import { type Duration, durationMs } from '../../kernel/duration.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { CompiledStep, RetryPolicy } from './saga-definition.ts'
import type { StepRetry } from './step-options.ts'

/** The longest wait that a timer of any platform can hold: 2^31 - 1 ms, some 24 days. */
const waitMsMax = 2 ** 31 - 1

/** Keeps the powers of the factor finite. */
const factorMax = 1_000

/** How long a step waits for its first answer. */
const defaultTimeout: Duration = '30s'

/** Added to the waits of later attempts: 5 s, doubling, up to 60 s. */
const defaultStepBackoff: BackoffPolicy = { initialMs: 5_000, maxMs: 60_000, factor: 2 }

/** What cannot be given up without a person is tried longer: about eleven minutes instead of four. */
const defaultAttemptsMax = { compensatable: 5, pivot: 5, retriable: 10, undo: 10 } as const

/**
 * Fills in the defaults of a step’s waiting and checks it.
 * @throws `SAGA_DEFINITION_INVALID`
 */
export function compileTiming(
  of: CompiledStep['phase'] | 'undo',
  options: { readonly timeout?: Duration; readonly retry?: StepRetry },
  place: string,
): { readonly timeoutMs: number; readonly retry: RetryPolicy } {
  const { timeout = defaultTimeout, retry = {} } = options
  const attemptsMax = retry.attemptsMax ?? defaultAttemptsMax[of]
  if (!Number.isInteger(attemptsMax) || attemptsMax < 1 || attemptsMax > 1_000_000)
    throw invalid(place, `attemptsMax is ${attemptsMax}, not a whole number from 1 to 1,000,000`)
  return {
    timeoutMs: timeoutMsOf(timeout, place),
    retry: { attemptsMax, backoff: backoffOf(retry.backoff ?? {}, place) },
  }
}

function timeoutMsOf(timeout: Duration, place: string): number {
  let ms: number
  try {
    ms = durationMs(timeout)
  } catch (cause) {
    throw invalid(place, `the timeout "${timeout}" is no duration above zero such as "30s"`, cause)
  }
  if (ms > waitMsMax) throw invalid(place, `the timeout "${timeout}" is longer than ${waitMsMax} ms`)
  return ms
}

function backoffOf(given: Partial<BackoffPolicy>, place: string): BackoffPolicy {
  const usual = defaultStepBackoff
  // One bound that is given moves the default of the other one along.
  const initialMs = given.initialMs ?? Math.min(usual.initialMs, given.maxMs ?? usual.maxMs)
  const maxMs = given.maxMs ?? Math.max(usual.maxMs, initialMs)
  const factor = given.factor ?? usual.factor
  if (!(initialMs >= 0 && initialMs <= maxMs && maxMs <= waitMsMax && factor >= 1 && factor <= factorMax))
    throw invalid(
      place,
      `a backoff from ${initialMs} ms by ${factor} up to ${maxMs} ms: it begins at 0 or more, grows by 1 to ${factorMax}, and ends at ${waitMsMax} ms at most`,
    )
  return { initialMs, maxMs, factor }
}

function invalid(place: string, what: string, cause?: unknown): BackstitchError {
  return new BackstitchError('SAGA_DEFINITION_INVALID', `${place}: ${what}`, { cause })
}
