import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { StepRecord } from './barrier-machine.ts'

/** A reply’s body as the codec encoded it; neither is a reply without a body. */
export type StoredReply = { readonly text?: string; readonly bytes?: Buffer }

/** Names one execution of a step in one direction. All its attempts share it. */
export type StepKey = {
  readonly sagaId: string
  readonly step: string
  readonly round: number
  readonly direction: 'do' | 'undo'
}

/** What is recorded of a step. */
type StepHistory = {
  readonly records: readonly StepRecord[]
  /** The stored outcome and reply of the asked execution, where there is one. */
  readonly own?: { readonly outcome: string; readonly reply: StoredReply }
  /** Whether the command’s time is over, by the clock of the database. */
  readonly expired: boolean
}

/** What a participant did for the steps of sagas. */
export type ParticipantStore = {
  /**
   * Reads what is recorded of a step, in all rounds. The caller is in line for the step (see {@link stepLock}) and in READ COMMITTED, so it
   * sees all that those before it did.
   */
  history(tx: SqlExecutor, key: StepKey, expiresAtUs: bigint | undefined): Promise<StepHistory>
  /** Whether a time is over, by the clock of the database. */
  isPast(tx: SqlExecutor, timeUs: bigint): Promise<boolean>
  /** Records an execution. */
  record(
    tx: SqlExecutor,
    execution: StepKey & {
      readonly sagaName: string
      readonly commandType: string
      readonly commandId: string
      readonly outcome: string
      readonly reply: StoredReply
    },
  ): Promise<void>
}

/**
 * The text on which all commands of one step are put in line. A forward command and its undo have different keys, so they may be in the
 * hands of two members at once, and of neither there is a row yet that could be locked.
 */
export function stepLock({ sagaId, step }: Pick<StepKey, 'sagaId' | 'step'>): string {
  return `backstitch step ${sagaId} ${step}`
}
