import type { CheckpointKeeper } from '../lease/checkpoint-keeper.ts'
import type { LiveReading, SourceSession } from './source-session.ts'

/** Questions whether the log is on disk before it is brought there. Under load the next commit of anybody answers them. */
const flushQuestions = 3

/**
 * What a transaction committed asynchronously is visible before it is on disk, and gone after a crash: published, it would be a ghost. So
 * nothing leaves before the log is on disk up to where it ended when the snapshot was taken. A save brings it there too, so one that is
 * near is made now; else it is made beside the publish, where it delays no look.
 */
export async function untilOnDisk(
  { insertedTo, flushedTo }: LiveReading,
  session: Pick<SourceSession, 'flushedTo' | 'flush'>,
  keeper: Pick<CheckpointKeeper, 'isSaveNear' | 'save' | 'saveInBackground'>,
): Promise<void> {
  const isNear = keeper.isSaveNear
  if (flushedTo >= insertedTo) {
    if (isNear) keeper.saveInBackground()
    return
  }
  if (isNear) return keeper.save()
  for (let question = 0; question < flushQuestions; question++)
    if ((await session.flushedTo()) >= insertedTo) return
  await session.flush()
}
