import type { SqlExecutor } from '../kernel/sql-executor.ts'
import type { DeadLetter } from '../inbox/dead-letter.ts'
import type { OutboxRow } from '../outbox/outbox-row.ts'
import type { DueTimer, TimerKey, TimerRow } from '../timer/timer.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'
import type { SagaGraph } from './graph/saga-graph.ts'
import type { HistoryKind } from './machine/saga-effect.ts'
import type { SagaStatus } from './machine/saga-state.ts'

/** A saga as it is stored. */
export type SagaInstance = {
  readonly id: string
  readonly name: string
  readonly version: number
  /** Fingerprint of the definition that it was started with. */
  readonly hash: string
  readonly businessKey: string
  readonly orchestrator: string
  readonly status: SagaStatus
  /** JSON of a `SagaState`. */
  readonly state: string
  /** Counts the transitions; a write names the revision that it read. */
  readonly revision: number
  /** W3C trace context of its start: for what no message causes. */
  readonly traceparent?: string
  readonly tracestate?: string
}

/** A definition as it is stored, by column name. */
export type DefinitionRow = {
  readonly name: string
  readonly version: number
  readonly hash: string
  readonly graph: SagaGraph
}

/** What a transition leaves of an instance, by column name. */
type StateColumns = {
  readonly id: string
  readonly revision: number
  readonly status: SagaStatus
  readonly reason?: string
  /** JSON of a `SagaState`. */
  readonly state: string
}

/** A saga that begins. Nothing of it is written when its business key is taken. */
type NewInstanceRow = StateColumns & {
  readonly name: string
  readonly version: number
  readonly hash: string
  readonly business_key: string
  readonly orchestrator: string
  readonly traceparent?: string
  readonly tracestate?: string
}

/** A saga that moved. Nothing of it is written when its revision is not `expected_revision` any more. */
type InstanceRow = StateColumns & {
  readonly expected_revision: number
}

/** One line of a saga’s history, by column name. */
export type HistoryRow = {
  readonly saga_id: string
  readonly revision: number
  readonly ordinal: number
  readonly kind: HistoryKind
  readonly step?: string
  readonly round?: number
  readonly direction?: 'do' | 'undo'
  readonly attempt?: number
  /** JSON */
  readonly detail?: string
}

/**
 * All that transitions write, for one statement. Rows of a saga that was neither created nor updated by this very statement are left
 * out, so that a conflict leaves no command behind.
 */
export type SagaWrites = {
  /** Snapshots of definitions, stored where they are not yet. */
  readonly definitions: readonly DefinitionRow[]
  readonly created: readonly NewInstanceRow[]
  readonly updated: readonly InstanceRow[]
  readonly history: readonly HistoryRow[]
  /** In the order in which they shall be published. */
  readonly commands: readonly OutboxRow[]
  /** At most one of `timers` and `cancelled` names a timer, once. */
  readonly timers: readonly TimerRow[]
  readonly cancelled: readonly TimerKey[]
}

/** Names a message that a group may apply once. `source` is the topic. */
export type Claim = { readonly source: string; readonly id: string }

/** A record put aside whole: it waits for an orchestrator that has the definition. */
export type SetAsideRecord = DefinitionName & { readonly messageId: string; readonly record: ReceivedRecord }

/** Which definitions a process has. */
export type DefinitionName = { readonly name: string; readonly version: number }

/** What a batch begins with. */
type Received = {
  /** The ids of the messages that were not claimed before. */
  readonly fresh: ReadonlySet<string>
  /** The sagas that exist, by id. */
  readonly instances: ReadonlyMap<string, SagaInstance>
}

/** Due timers, and the sagas that they belong to, by id. */
type TakenTimers = {
  readonly timers: readonly DueTimer[]
  readonly instances: ReadonlyMap<string, SagaInstance>
}

/**
 * The tables of one orchestrator. All of a transaction locks in one order: claims, then sagas, then what hangs on them; a saga’s row is
 * always locked before its timers are touched.
 */
export type SagaStore = {
  /**
   * Claims messages for the orchestrator and loads sagas, locked in the order of their ids. Claims and ids must come sorted: two
   * processes that handle the same messages then wait for each other instead of blocking each other.
   */
  receive(tx: SqlExecutor, claims: readonly Claim[], sagaIds: readonly string[]): Promise<Received>
  /** Writes with one statement. @returns the ids of the sagas that were created or updated */
  write(tx: SqlExecutor, writes: SagaWrites): Promise<ReadonlySet<string>>
  /** Stores messages, claimed before in this transaction, among the dead letters. */
  deadLetter(tx: SqlExecutor, letters: readonly DeadLetter[]): Promise<void>
  setAside(tx: SqlExecutor, records: readonly SetAsideRecord[]): Promise<void>
  /** Locks sagas with due timers, passing over those that others hold, then takes their due timers out. */
  takeDueTimers(
    tx: SqlExecutor,
    definitions: readonly DefinitionName[],
    sagasMax: number,
  ): Promise<TakenTimers>
  /** Sets the due timers of a saga back, without touching anything else of it. */
  postponeTimers(tx: SqlExecutor, sagaId: string, byMs: number): Promise<void>
  /** Locks records that were set aside, in the order of their ids from `after` on, passing over those that others hold. */
  lockSetAside(
    tx: SqlExecutor,
    definitions: readonly DefinitionName[],
    page: { readonly after: string | undefined; readonly limit: number },
  ): Promise<readonly SetAsideRecord[]>
  /** Deletes records that were locked before in this transaction. */
  dropSetAside(tx: SqlExecutor, records: readonly Claim[]): Promise<void>
  /** Stores the definitions and names those of which unfinished sagas run under another fingerprint. */
  register(tx: SqlExecutor, definitions: readonly DefinitionRow[]): Promise<readonly DefinitionName[]>
  /** Milliseconds until the next timer of a saga with one of these definitions is due. */
  untilNextTimerMs(tx: SqlExecutor, definitions: readonly DefinitionName[]): Promise<number | undefined>
  /** Whether the database refuses what was written for what it is, so that trying the same again cannot help. */
  isRefusal(thrown: unknown): boolean
  /** Whether the database has cut a statement off for its time: it ran too long, or waited too long for a lock. */
  isTooSlow(thrown: unknown): boolean
}
