import { BackstitchError } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { HandlerScope, ReceivedEvent, ReceivedTombstone } from './handler-context.ts'

/** A call of a handler, as middleware sees it. */
export type HandlerCall = HandlerScope & {
  readonly group: string
  /** The contract that is handled: `order.placed v1`. */
  readonly handler: string
  /** What the handler gets, with headers, key, topic, partition and offset: one message, or those of a batch. */
  readonly messages: readonly (ReceivedEvent | ReceivedTombstone)[]
}

/**
 * Something around every call of a consumer’s handlers: a log line, a span, the tenant in an `AsyncLocalStorage` or in a setting of the
 * transaction. It calls `next`, which runs what is further inside, once, and waits for it. What `next` rejects with passes through, even where it is
 * caught: what a handler that failed has done half-way must not be committed. It may throw another error instead, and what it throws itself
 * counts as thrown by the handler. A message is handled, and will not come again, when the outermost middleware resolves: also when it did
 * not call `next`.
 *
 * @param next may be given another logger for what is further inside
 * @example
 * const tenancy: Middleware = async ({ messages, tx }, next) => {
 *   await tx.query(`select set_config('app.tenant', $1, true)`, [messages[0]?.headers['tenant']])
 *   await next()
 * }
 */
export type Middleware = (
  call: HandlerCall,
  next: (changes?: { readonly logger?: Logger }) => Promise<void>,
) => Promise<void> | void

/**
 * Runs a handler within middleware, the first of the list outermost.
 * @throws `HANDLER_FAILED` when one calls `next` twice, or does not wait for it: the transaction would be committed under a running handler
 */
export async function withinMiddleware(
  middleware: readonly Middleware[],
  call: HandlerCall,
  handler: (logger: Logger) => Promise<void> | void,
): Promise<void> {
  const run = async (depth: number, current: HandlerCall): Promise<void> => {
    const around = middleware[depth]
    if (around === undefined) return handler(current.logger)
    let inside: Promise<void> | undefined
    let hasEnded = false
    const next = (changes: { readonly logger?: Logger } = {}): Promise<void> => {
      if (inside !== undefined) return Promise.reject(misused(current, 'calls next() a second time'))
      inside = run(depth + 1, changes.logger ? { ...current, logger: changes.logger } : current)
      const ends = (): void => void (hasEnded = true)
      inside.then(ends, ends)
      return inside
    }
    await around(current, next)
    const wasWaitedFor = hasEnded
    await inside
    if (inside !== undefined && !wasWaitedFor) throw misused(current, 'does not wait for next()')
  }
  return run(0, call)
}

function misused({ handler }: HandlerCall, what: string): BackstitchError {
  return new BackstitchError('HANDLER_FAILED', `${handler}: a middleware ${what}`)
}
