import type { BackoffPolicy } from '../kernel/backoff.ts'
import type { RetryOrder } from './group-work.ts'

/** How often a message is tried before it becomes a dead letter, and what happens between the tries. */
export type HandlerRetry = {
  readonly attemptsMax: number
  readonly backoff: BackoffPolicy
  /** The longest time between the first failure of a message and its last try. Default 900,000 ms (15 minutes). */
  readonly ageMaxMs?: number
  /** Whether the later messages of its key wait (`key`, the default) or pass (`none`). A handler may choose for itself. */
  readonly order?: RetryOrder
}
