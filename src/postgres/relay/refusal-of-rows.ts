import { reasonOf } from '../../kernel/errors.ts'
import type { ReleaseRefused } from '../../relay/deferred/deferred-session.ts'
import { sqlStateOf } from './pg-relay-client.ts'

/** The right is missing, a lock was not to be had, a deadlock was broken, or the time was over. */
const ofTheMoment = new Set(['42501', '55P03', '40P01', '57014'])

/**
 * Classes of SQLSTATE that are about the connection, the server or the transaction as a whole: nothing can be concluded of the rows, and the session
 * may be of no use any more. All others may come from a constraint or a trigger, those included that a user’s trigger makes up.
 */
const ofTheSession = /^(?:08|25|28|3D|40|53|57|58|F0|XX)/

/**
 * Why a statement that writes a user’s rows was refused, where that says nothing against the session.
 * @throws what was thrown, where it does
 */
export function refusalOfRows(thrown: unknown): ReleaseRefused['refused'] {
  const state = sqlStateOf(thrown)
  const isOfMoment = state !== undefined && ofTheMoment.has(state)
  if (state === undefined || (!isOfMoment && ofTheSession.test(state))) throw thrown
  return { state, reason: reasonOf(thrown), isOfMessage: !isOfMoment }
}
