/** What a participant did for one direction and round of a step. */
export type StepRecord = {
  readonly round: number
  readonly direction: 'do' | 'undo'
  /** `ok` or `rejected.<name>` */
  readonly outcome: string
}

/** Which leg of a step a command is for. */
export type Leg = { readonly round: number; readonly direction: 'do' | 'undo' }

/**
 * What to do with a command.
 * - `replay`: it was carried out before; the stored reply is sent again, with the incoming attempt
 * - `handle`: call the handler
 * - `nothing-to-undo`: the step was never carried out, or was rejected, or was undone before: `ok` without a call of the handler
 * - `refuse`: it must not take effect any more
 */
export type BarrierDecision =
  | { readonly kind: 'replay' }
  | { readonly kind: 'handle' }
  | { readonly kind: 'nothing-to-undo' }
  | { readonly kind: 'refuse'; readonly reason: 'undone' | 'expired' }

/**
 * Decides by what is recorded of the step, in all its rounds. The barrier of dtm, with rounds:
 *
 * - All attempts of a round share one effect, so what has a record is replayed, whoever asks and however late.
 * - A forward command is refused once its round, or a later one, was undone.
 * - An undo undoes the newest execution of its own round or of one before, unless that was undone already: an undo that was rejected is
 *   tried again in the next round, while what it undoes stays in its own.
 */
export function decideStep(
  records: readonly StepRecord[],
  leg: Leg,
  options: { readonly expired: boolean },
): BarrierDecision {
  if (records.some(({ round, direction }) => round === leg.round && direction === leg.direction))
    return { kind: 'replay' }
  if (
    leg.direction === 'do' &&
    records.some(({ round, direction }) => direction === 'undo' && round >= leg.round)
  )
    return { kind: 'refuse', reason: 'undone' }
  if (options.expired) return { kind: 'refuse', reason: 'expired' }
  if (leg.direction === 'do') return { kind: 'handle' }

  const doneIn = Math.max(
    -1,
    ...records
      .filter(({ direction, outcome, round }) => direction === 'do' && outcome === 'ok' && round <= leg.round)
      .map(({ round }) => round),
  )
  const undone = records.some(
    ({ direction, outcome, round }) => direction === 'undo' && outcome === 'ok' && round >= doneIn,
  )
  return { kind: doneIn >= 0 && !undone ? 'handle' : 'nothing-to-undo' }
}
