import { BackstitchError } from '../../kernel/errors.ts'

/**
 * A snapshot as Postgres writes it, `xmin:xmax:xip,xip`: which transactions had ended at one moment.
 *
 * `xmax` is the last *ended* transaction plus one, not the next one to begin: a running transaction may well stand at or after it, and
 * is then in no list. Whatever is concluded from a snapshot must allow for that.
 */
export type Snapshot = {
  /** As Postgres wrote it; this goes back into statements. */
  readonly text: string
  /** Everything before it had ended. */
  readonly xmin: bigint
  /** Nothing at or after it had ended. */
  readonly xmax: bigint
  /** What was under way between the two. */
  readonly inProgress: readonly bigint[]
}

/** Reads a snapshot. @throws `DATABASE_FAILING` when the text is none */
export function parseSnapshot(text: string): Snapshot {
  const match = /^(\d+):(\d+):((?:\d+(?:,\d+)*)?)$/.exec(text)
  if (!match) throw new BackstitchError('DATABASE_FAILING', `"${text.slice(0, 80)}" is no snapshot`)
  const [, xmin = '', xmax = '', list = ''] = match
  return {
    text,
    xmin: BigInt(xmin),
    xmax: BigInt(xmax),
    inProgress: list === '' ? [] : list.split(',').map(BigInt),
  }
}

/** The transactions that the first snapshot saw under way and the second one saw ended. */
export function endedBetween(previous: Snapshot, current: Snapshot): bigint[] {
  if (previous.inProgress.length === 0) return []
  const stillRunning = new Set(current.inProgress)
  return previous.inProgress.filter(
    (xid) => xid < current.xmin || (xid < current.xmax && !stillRunning.has(xid)),
  )
}
