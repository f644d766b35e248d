import { sqlStateOf } from '../kernel/database.ts'
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

/** Of the message alone: the same handler fails over it as often as it is called. */
const permanent = new Set<ErrorCode>([
  'HANDLER_REFUSED',
  'HANDLER_RESULT_INVALID',
  'MESSAGE_INVALID',
  'MESSAGE_MALFORMED',
  'MESSAGE_TOO_LARGE',
])

/**
 * States of statements whose values cannot be stored whatever else is in the database: class 22 (a text that is no date, a number out of
 * range, a division by zero), a column that must not be null (23502), a check (23514). Those of other rows (23503, 23505) may pass later.
 */
const permanentState = /^(?:22...|23502|23514)$/

/**
 * What a failure says about the message in hand.
 * - `conflict`: nothing; at once it may go well
 * - `wait`: nothing; the message waits until the surroundings work again, for ever if need be
 * - `lost`: the handler’s connection is gone. Servers go down in the middle of a message, so the first time says nothing; but when it happens to
 *   the same message again, on a connection that has taken the claim, the handler’s statement may be what ends the server’s process
 * - `permanent`: it is the message’s own fault, and another try would fail the same: a dead letter at once
 * - `postponed`: the handler says when to try again; nothing is counted
 * - `count`: it may be the message’s own fault, so its tries are counted
 *
 * @param inHandler whether the handler threw it: then the database has begun the transaction and written the claim a moment before, and what
 *   it cannot do is what the handler asks of it (a full table of locks, a missing file, a write in a read-only transaction, also at another
 *   server that the handler uses). A full disk (53100) is everybody’s.
 */
export function failureKind(
  thrown: unknown,
  inHandler: boolean = false,
): 'conflict' | 'wait' | 'lost' | 'permanent' | 'postponed' | 'count' {
  if (!isBackstitchError(thrown)) return isPermanent(thrown) ? 'permanent' : 'count'
  if (thrown.code === 'HANDLER_POSTPONED') return 'postponed'
  if (thrown.code === 'TRANSACTION_CONFLICT') return 'conflict'
  if (inHandler) {
    if (thrown.code === 'DATABASE_UNREACHABLE') return 'lost'
    if (thrown.code === 'DATABASE_IS_STANDBY') return 'count'
    if (thrown.code === 'DATABASE_FAILING' && thrown.details['sqlState'] !== '53100') return 'count'
  }
  if (permanent.has(thrown.code)) return 'permanent'
  if (surroundings.has(thrown.code)) return 'wait'
  return thrown.retriable && thrown.code !== 'HANDLER_FAILED' ? 'wait' : 'count'
}

function isPermanent(thrown: unknown): boolean {
  if (thrown instanceof Error && thrown.name === 'ZodError') return true
  const state = sqlStateOf(thrown)
  return state !== undefined && permanentState.test(state)
}
