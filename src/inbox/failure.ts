import type { ErrorCode } from '../kernel/error-catalogue.ts'
import { isBackstitchError } from '../kernel/errors.ts'

/**
 * Of the surroundings, not of the message: somebody will put them right, and until then every message would fail alike. Or the process goes
 * down in the middle of a message.
 */
const surroundings = new Set<ErrorCode>([
  'DATABASE_REFUSED',
  'SCHEMA_MISSING',
  'SCHEMA_NEWER',
  'SCHEMA_OUTDATED',
  'STOP_DEADLINE_PASSED',
])

/**
 * What a failure says about the message in hand.
 * - `conflict`: nothing; at once it may go well
 * - `wait`: nothing; the message waits until the surroundings work again, for ever if need be
 * - `count`: it may be the message’s own fault, so its tries are counted
 */
export function failureKind(thrown: unknown): 'conflict' | 'wait' | 'count' {
  if (!isBackstitchError(thrown)) return 'count'
  if (thrown.code === 'TRANSACTION_CONFLICT') return 'conflict'
  if (surroundings.has(thrown.code)) return 'wait'
  return thrown.retriable && thrown.code !== 'HANDLER_FAILED' ? 'wait' : 'count'
}
