import type { Logger } from '../../kernel/logger.ts'
import type { AttemptLog } from './attempt-log.ts'
import { PartitionAttempts } from './partition-attempts.ts'
import type { SoloTurns } from './solo-turns.ts'

/** How the attempts of a member are remembered. */
export type AttemptWatch = {
  /** Begins a tenure of a partition. @throws `DATABASE_UNREACHABLE`, … */
  take(
    place: { readonly topic: string; readonly partition: number },
    signal: AbortSignal,
  ): Promise<PartitionAttempts>
  readonly turns: SoloTurns
}

/** Makes the {@link AttemptWatch} of a member. */
export function attemptWatch(options: {
  readonly log: AttemptLog
  readonly group: string
  /** A UUID, new for each member. */
  readonly owner: string
  readonly killsMax: number
  readonly turns: SoloTurns
  readonly logger: Logger
}): AttemptWatch {
  const { group, turns } = options
  return {
    take: ({ topic, partition }, signal) =>
      PartitionAttempts.take({ ...options, place: { group, topic, partition }, signal }),
    turns,
  }
}
