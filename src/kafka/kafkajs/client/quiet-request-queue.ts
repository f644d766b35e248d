import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'

/** What the patch touches of kafkajs’s `RequestQueue`. */
type RequestQueuePrototype = {
  pending: readonly unknown[]
  throttledUntil: number
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests: (this: RequestQueuePrototype) => void
}

/** kafkajs’s own `CHECK_PENDING_REQUESTS_INTERVAL`. */
const checkPendingMs = 10

/** SHA-256 of the text of the only method that is replaced: that of kafkajs 2.2.4. */
const knownText = '04347ea969c6f2e3754427c0cbaee0bd4ce947fbd82f7b6e027506a06dfc581a'

/**
 * Stops the busy loop of kafkajs 2.2.4: each connection asks every millisecond, by a timer with a negative delay, whether a throttled
 * request may go, also when there is none. That is 5 % of a core per idle connection and a `TimeoutNegativeWarning` on Node 24 (kafkajs
 * issue 1751). Here the timer is set only while requests wait; whatever else can let them go (an answer, a new request) checks anyway.
 *
 * Another version of kafkajs, or one whose files cannot be reached, is left alone.
 * @returns whether the queue is quiet now
 */
export function quietRequestQueue(prototype: RequestQueuePrototype | undefined = requestQueue()): boolean {
  if (prototype === undefined) return false
  if (prototype.scheduleCheckPendingRequests === scheduleWhilePending) return true
  if (textHash(prototype.scheduleCheckPendingRequests) !== knownText) return false
  prototype.scheduleCheckPendingRequests = scheduleWhilePending
  return true
}

function scheduleWhilePending(this: RequestQueuePrototype): void {
  if (this.pending.length === 0 || this.throttleCheckTimeoutId !== null) return
  const throttledMs = this.throttledUntil - Date.now()
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    throttledMs > 0 ? throttledMs : checkPendingMs,
  )
}

function requestQueue(): RequestQueuePrototype | undefined {
  try {
    const load = createRequire(import.meta.url)
    return (load('kafkajs/src/network/requestQueue') as { prototype?: RequestQueuePrototype }).prototype
  } catch {
    return undefined
  }
}

function textHash(method: unknown): string {
  return createHash('sha256').update(String(method)).digest('hex')
}
