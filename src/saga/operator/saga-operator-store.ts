import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { HistoryKind } from '../machine/saga-effect.ts'
import type { SagaStatus } from '../machine/saga-state.ts'

/** Which sagas to list. */
export type SagaListing = {
  readonly status?: SagaStatus
  readonly limit: number
}

/** A saga in a list. */
export type SagaSummary = {
  readonly id: string
  readonly name: string
  readonly version: number
  readonly businessKey: string
  readonly orchestrator: string
  readonly status: SagaStatus
  /** Why it is parked, or is being or was compensated. */
  readonly reason?: string
  readonly startedAt: Date
  readonly updatedAt: Date
  readonly endedAt?: Date
}

/** A line of a saga’s history. */
export type SagaHistoryEntry = {
  readonly at: Date
  readonly kind: HistoryKind
  readonly step?: string
  readonly direction?: 'do' | 'undo'
  readonly round?: number
  readonly attempt?: number
  readonly detail?: unknown
}

/** A timer that is armed. */
type SagaTimer = {
  readonly step: string
  readonly direction: 'do' | 'undo'
  readonly round: number
  readonly attempt: number
  readonly dueAt: Date
}

/** A saga with all that is known of it. */
export type SagaDetails = SagaSummary & {
  /** JSON of a `SagaState`, as it is stored. */
  readonly state: string
  /** Fingerprint of the definition that it was started with. */
  readonly hash: string
  /** Counts its transitions. */
  readonly revision: number
  /** In order. */
  readonly history: readonly SagaHistoryEntry[]
  readonly timers: readonly SagaTimer[]
}

/** Reads sagas for people. */
export type SagaOperatorStore = {
  list(tx: SqlExecutor, listing: SagaListing): Promise<readonly SagaSummary[]>
  find(tx: SqlExecutor, id: string): Promise<SagaSummary | undefined>
  findByKey(tx: SqlExecutor, name: string, businessKey: string): Promise<string | undefined>
  /** Of a saga that exists. */
  details(tx: SqlExecutor, id: string): Promise<Omit<SagaDetails, keyof SagaSummary>>
}
