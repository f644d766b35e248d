import { BackstitchError, isBackstitchError } from '../../kernel/errors.ts'

/** Timers of Node hold no more, and nothing should wait for longer. */
const latestMs = 2 ** 31 - 1

/**
 * What a handler throws when trying again cannot help: the message becomes a dead letter at once (`HANDLER_REFUSED`).
 *
 * @param reason kept with the dead letter and logged: no personal data
 * @example if (customer === undefined) throw neverRetry('there is no such customer')
 */
export function neverRetry(reason: string, options: { readonly cause?: unknown } = {}): BackstitchError {
  return new BackstitchError('HANDLER_REFUSED', reason, options)
}

/**
 * What a handler throws when it knows that a message can be handled later, though not now (`HANDLER_POSTPONED`): it is handed over again after
 * the time, and this is not counted among its tries. As with every retry, what of its key comes after it waits.
 *
 * @param options.afterMs at least so long; 0 up to some 24 days
 * @throws `CONFIG_INVALID` for another time
 * @example if (bank.isClosed) throw retryLater('the bank is closed', { afterMs: 60_000 })
 */
export function retryLater(
  reason: string,
  options: { readonly afterMs: number; readonly cause?: unknown },
): BackstitchError {
  const { afterMs, cause } = options
  if (!(afterMs >= 0 && afterMs <= latestMs))
    throw new BackstitchError('CONFIG_INVALID', `retryLater: afterMs is ${afterMs}, not 0 to ${latestMs}`)
  return new BackstitchError('HANDLER_POSTPONED', reason, {
    details: { retryAfterMs: afterMs },
    ...(cause !== undefined && { cause }),
  })
}

/** After how long a handler wants its message again, where it said so by {@link retryLater}. */
export function postponedMs(thrown: unknown): number | undefined {
  if (!isBackstitchError(thrown, 'HANDLER_POSTPONED')) return undefined
  const afterMs = thrown.details['retryAfterMs']
  return typeof afterMs === 'number' ? afterMs : 0
}
