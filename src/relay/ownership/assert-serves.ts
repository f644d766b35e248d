import { BackstitchError } from '../../kernel/errors.ts'
import type { Checkpoint, LeaseView } from '../lease/checkpoint.ts'
import { parseSnapshot } from '../source/snapshot.ts'

/** What a server says of itself. */
type ServerView = Pick<LeaseView, 'inRecovery' | 'systemIdentifier' | 'snapshot'>

/**
 * Refuses a server from which nothing may be read, and a checkpoint that says nothing about this one.
 * @throws `DATABASE_IS_STANDBY`, `OUTBOX_CHECKPOINT_FOREIGN`, `OUTBOX_CHECKPOINT_AHEAD`
 */
export function assertServes(
  { inRecovery, systemIdentifier, snapshot }: ServerView,
  checkpoint: Checkpoint | undefined,
  database: string,
): void {
  if (inRecovery) throw new BackstitchError('DATABASE_IS_STANDBY', database)
  if (!checkpoint) return
  if (checkpoint.systemIdentifier !== systemIdentifier)
    throw new BackstitchError(
      'OUTBOX_CHECKPOINT_FOREIGN',
      `${database}: saved in ${checkpoint.systemIdentifier}, this is ${systemIdentifier}`,
    )
  const { xmax } = parseSnapshot(snapshot)
  const saved = parseSnapshot(checkpoint.cursor.current ?? checkpoint.cursor.previous)
  if (saved.xmax > xmax)
    throw new BackstitchError(
      'OUTBOX_CHECKPOINT_AHEAD',
      `${database}: ${saved.text} is saved, it is at ${snapshot}`,
    )
}
