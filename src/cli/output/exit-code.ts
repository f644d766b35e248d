import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { isBackstitchError } from '../../kernel/errors.ts'

/** What the exit code of a command says. */
export const exitCode = {
  ok: 0,
  failure: 1,
  /** Unknown option, wrong argument, wrong configuration. */
  usage: 2,
  /** A check found something to do. */
  problems: 3,
  notFound: 4,
  /** The state does not allow it, or a confirmation is missing. */
  refused: 5,
} as const

const byCode: Partial<Record<ErrorCode, number>> = {
  ACTOR_MISSING: exitCode.usage,
  CONFIG_INVALID: exitCode.usage,
  CONFIG_NOT_FOUND: exitCode.usage,
  CONFIRMATION_MISSING: exitCode.refused,
  GROUP_IN_USE: exitCode.refused,
  GROUP_NOT_FOUND: exitCode.notFound,
  GROUP_REFUSES: exitCode.refused,
  LETTER_NOT_FOUND: exitCode.notFound,
  LETTER_STATE_REFUSES: exitCode.refused,
  REASON_MISSING: exitCode.usage,
  REDELIVERY_TOO_OLD: exitCode.refused,
  REPLAY_NOT_FOUND: exitCode.notFound,
  ROWS_NOT_KEPT: exitCode.notFound,
  ROW_NOT_FOUND: exitCode.notFound,
  ROW_STATE_REFUSES: exitCode.refused,
  SAGA_NOT_FOUND: exitCode.notFound,
  SAGA_STATE_REFUSES: exitCode.refused,
}

/** The exit code of a command that threw. */
export function exitCodeOf(thrown: unknown): number {
  return isBackstitchError(thrown) ? (byCode[thrown.code] ?? exitCode.failure) : exitCode.failure
}
