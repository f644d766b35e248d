import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import type { Clock } from '../kernel/clock.ts'
import { BackstitchError } from '../kernel/errors.ts'

/** When an outbox takes no more, or less, because its messages are not published. */
export type BacklogLimit = {
  /** How long the oldest unpublished message may have waited, in milliseconds. */
  readonly ageMsMax: number
  /**
   * What happens beyond it. `refuse`: `OUTBOX_BACKLOGGED`. `slow`: each call waits, the longer the older the oldest message is, a second at
   * most, with the caller’s transaction and its locks held. Default `refuse`.
   */
  readonly beyond?: 'refuse' | 'slow'
  /** The age is looked up at most so often, by the call that comes first. Default 1,000 ms. */
  readonly lookEveryMs?: number
}

/** Lets a writer pass, or not. */
export type BacklogGuard = {
  /** @throws `OUTBOX_BACKLOGGED` */
  admit(tx: CallerTransaction): Promise<void>
}

/** The longest that a slowed call waits. It does so when the oldest message has waited for twice the limit. */
const slowMsMax = 1_000

/**
 * Makes a {@link BacklogGuard}. The age is asked for through the transaction of a caller, by one caller at a time; others go by what was
 * found last.
 * @throws `CONFIG_INVALID`
 */
export function backlogGuard(
  limit: BacklogLimit,
  tools: { oldestAgeMs(tx: CallerTransaction): Promise<number>; readonly clock: Clock },
): BacklogGuard {
  const { ageMsMax, beyond = 'refuse', lookEveryMs = 1_000 } = limit
  if (!(ageMsMax > 0)) throw new BackstitchError('CONFIG_INVALID', 'backlog.ageMsMax: more than 0')
  if (!(lookEveryMs >= 0)) throw new BackstitchError('CONFIG_INVALID', 'backlog.lookEveryMs: at least 0')
  const { clock } = tools
  let ageMs = 0
  let lookAtMs = Number.NEGATIVE_INFINITY

  return {
    admit: async (tx) => {
      if (clock.now() >= lookAtMs) {
        lookAtMs = clock.now() + lookEveryMs
        ageMs = await tools.oldestAgeMs(tx)
      }
      if (ageMs <= ageMsMax) return
      if (beyond === 'slow') return clock.pause(Math.min(1, ageMs / ageMsMax - 1) * slowMsMax)
      throw new BackstitchError(
        'OUTBOX_BACKLOGGED',
        `The oldest unpublished message has waited for ${Math.round(ageMs)} ms, the limit is ${ageMsMax}`,
        { details: { ageMs, ageMsMax } },
      )
    },
  }
}
