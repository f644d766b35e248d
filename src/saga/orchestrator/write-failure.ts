import { isOverdue } from '../../inbox/record-transaction.ts'
import { isBackstitchError } from '../../kernel/errors.ts'
import type { SagaStore } from '../saga-store.ts'

/**
 * What a transaction over several sagas failed of, and so what helps.
 * - `refused`: something of it is not accepted for what it is; done one by one, all but that goes well
 * - `conflict`: another transaction was in the way; at once it may go well
 * - `too-much`: it takes longer than it may; less at a time may go well, but what is too slow alone has to wait
 * - `surroundings`: nothing that was to be written is to blame, so it waits
 */
export type WriteFailure = 'refused' | 'conflict' | 'too-much' | 'surroundings'

/** Tells which {@link WriteFailure} it is. */
export function writeFailureOf(
  store: Pick<SagaStore, 'isRefusal' | 'isTooSlow'>,
  thrown: unknown,
): WriteFailure {
  // More text than a string can hold: too many large sagas at once, or a single one that can never be written.
  if (store.isRefusal(thrown) || thrown instanceof RangeError) return 'refused'
  if (isBackstitchError(thrown, 'TRANSACTION_CONFLICT')) return 'conflict'
  return isOverdue(thrown) || store.isTooSlow(thrown) ? 'too-much' : 'surroundings'
}
