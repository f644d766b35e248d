import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { GroupProgress } from './progress-machine.ts'

/** What the database must know of a group that uses its inbox. */
export type GroupEnrolment = {
  readonly group: string
  readonly kind: 'consumer' | 'participant' | 'orchestrator'
  readonly topics: readonly string[]
  /** How long it wants its rows of the inbox kept. */
  readonly retentionMs: number
}

/** The groups of an inbox, and the clearing away of its old rows. */
export type GroupStore = {
  /**
   * Notes the group and tells its generation. Waits while an operator rewinds it.
   * @throws `SCHEMA_MISSING`
   */
  enrol(tx: SqlExecutor, enrolment: GroupEnrolment): Promise<number>
  /** How far the group was, with the present time; `undefined` where it is not enrolled. */
  progress(tx: SqlExecutor, group: string): Promise<(GroupProgress & { readonly now: string }) | undefined>
  /** Notes how far the group is, unless somebody else did since `before`. */
  saveProgress(tx: SqlExecutor, group: string, before: GroupProgress, next: GroupProgress): Promise<void>
  /** Whether it is this caller’s turn to clear away; it comes once in an interval, for all groups together. */
  takeTurn(tx: SqlExecutor, intervalMs: number): Promise<boolean>
  /** Drops or empties one leaf. @returns what was done, `undefined` when there is nothing to do */
  retireLeaf(tx: SqlExecutor): Promise<string | undefined>
  /** The size of the default partition, in blocks. */
  defaultBlocks(tx: SqlExecutor): Promise<number>
  /** Deletes what is old in some blocks of the default partition. @returns how many rows */
  sweepDefault(tx: SqlExecutor, firstBlock: number, blocks: number): Promise<number>
}
