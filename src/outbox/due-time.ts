import { type Duration, durationMs } from '../kernel/duration.ts'
import { BackstitchError } from '../kernel/errors.ts'
import type { OutboxRow } from './outbox-row.ts'

/** When a message is due at the earliest: at a time, or so long after now. */
export type NotBefore = Date | Duration

/** A row that waits: until a time in milliseconds since 1970, or for so many milliseconds by the database’s clock. */
export type DeferredRow = OutboxRow & ({ readonly due_at_ms: number } | { readonly after_ms: number })

/** Further ahead than any clock is right. */
const aheadMsMax = 100 * 365 * 86_400_000

/**
 * Reads a {@link NotBefore}.
 * @returns what a {@link DeferredRow} says beside the row; `undefined` for a time that has come: such a message need not wait
 * @throws `MESSAGE_INVALID` no time, or more than a hundred years ahead
 */
export function dueTimeOf(
  notBefore: NotBefore,
  nowMs: number,
): { readonly due_at_ms: number } | { readonly after_ms: number } | undefined {
  const isDate = notBefore instanceof Date
  const ms = isDate ? notBefore.getTime() : durationOf(notBefore)
  const aheadMs = isDate ? ms - nowMs : ms
  if (Number.isNaN(ms) || aheadMs > aheadMsMax)
    throw new BackstitchError('MESSAGE_INVALID', `notBefore cannot be ${String(notBefore)}`)
  if (!isDate) return { after_ms: ms }
  return aheadMs > 0 ? { due_at_ms: ms } : undefined
}

function durationOf(notBefore: Duration): number {
  try {
    return durationMs(notBefore)
  } catch {
    return Number.NaN
  }
}
