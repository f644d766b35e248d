import type { Principal } from '../kernel/principal.ts'
import type { SqlExecutor } from '../kernel/sql-executor.ts'

/** What an act was done to: a kind with the name of its room, and which one. */
export type AuditTarget = {
  /** `outbox.row`, `outbox.key`, `outbox.topic`, `outbox`, `saga` ... */
  readonly kind: string
  /** As people name it: a `seq`, `<topic>/<key>`, a saga’s id. */
  readonly id: string
}

/** One privileged act: who did what to what, why, and what it changed. */
export type AuditEntry = {
  readonly actor: Principal
  /** As the verb of the CLI: `outbox retry`, `saga skip`. */
  readonly verb: string
  readonly target: AuditTarget
  readonly reason: string
  /** JSON: what was there before, as far as the act changed it. Absent when there was nothing. */
  readonly before?: unknown
  /** JSON: what is there now. Absent when nothing is. */
  readonly after?: unknown
}

/** An {@link AuditEntry} as it is kept. */
export type RecordedAuditEntry = AuditEntry & {
  /** Its place in the trail. Places may be missing: an act that was rolled back leaves a gap. */
  readonly seq: string
  /** When it was recorded, by the clock of the database. */
  readonly at: Date
}

/** Which entries of the trail. */
type AuditFilter = {
  /** Only those about one of these. */
  readonly targets?: readonly AuditTarget[]
  /** Only those before this one: for the next page. */
  readonly beforeSeq?: string
  readonly limit: number
}

/**
 * The trail of what was done with the means of an operator. Entries are written in the transaction of the act itself, so that there is no
 * act without its entry and no entry without its act; they are never changed and never deleted.
 */
export type AuditTrail = {
  /**
   * Records acts within the transaction that does them.
   * @throws `SCHEMA_MISSING` when there is no trail: the act must not be done then
   */
  record(tx: SqlExecutor, ...entries: readonly AuditEntry[]): Promise<void>
  /** Entries, the newest first. */
  read(tx: SqlExecutor, filter: AuditFilter): Promise<readonly RecordedAuditEntry[]>
}
