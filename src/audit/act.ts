import type { ErrorCode } from '../kernel/error-catalogue.ts'
import { BackstitchError } from '../kernel/errors.ts'
import type { Principal } from '../kernel/principal.ts'
import { isStorableText } from '../message/storable-text.ts'

/** Who does something with the means of an operator, and why. Both are kept in the audit trail. */
export type Act = {
  /** A text is a person of this name. */
  readonly actor: Principal | string
  /** 1 to 1,000 characters. */
  readonly reason: string
}

/** An {@link Act} that can be recorded. */
type CheckedAct = { readonly actor: Principal; readonly reason: string }

const textLengthMax = 1_000

/**
 * Checks an act before anything is done: nobody acts without a name and a reason.
 * @throws `ACTOR_MISSING`, `REASON_MISSING`
 * @example checkedAct({ actor: 'ann', reason: 'the limit was raised' }).actor // { id: 'ann', kind: 'person' }
 */
export function checkedAct({ actor, reason }: Act): CheckedAct {
  const principal: Principal = typeof actor === 'string' ? { id: actor, kind: 'person' } : actor
  assertText('ACTOR_MISSING', 'actor', principal?.id)
  assertText('REASON_MISSING', 'reason', reason)
  return { actor: { id: principal.id, kind: principal.kind }, reason }
}

function assertText(code: ErrorCode, name: string, text: unknown): void {
  if (!isStorableText(text) || text.trim() === '' || text.length > textLengthMax)
    throw new BackstitchError(code, `${name}: it has 1 to ${textLengthMax.toLocaleString('en')} characters`)
}
