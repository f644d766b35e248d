import type { LeaseSession } from './lease/lease-session.ts'
import type { QuarantineSession } from './quarantine/quarantine-session.ts'
import type { SourceSession } from './source/source-session.ts'
import type { UpkeepSession } from './upkeep/upkeep-session.ts'

/** A database with an outbox, as the relay needs it. `src/postgres` has the real one. */
export type RelayDatabase = {
  /** For log lines and health. */
  readonly name: string
  /**
   * Opens a session of its own, one connection, for everything: what is read, concluded and saved must come from one server.
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, `DATABASE_FAILING`
   */
  connect(settings: SessionSettings): Promise<RelaySession>
}

/** What a session must keep within. */
export type SessionSettings = {
  /** Locks and statements of the session end before a lease of this length does. */
  readonly leaseDurationMs: number
  /** Rows that a page has at most. */
  readonly pageRows: number
  /** Bytes of bodies and headers after which a page ends, whatever its rows. */
  readonly pageBytes: number
}

/**
 * One connection. Statements run in the order in which they were called, without waiting for the answers before them. After any error the
 * session is of no use any more: its user closes it, forgets all it knew and begins again from the saved checkpoint, for the server may
 * have lost its last transactions and use their numbers again.
 */
export type RelaySession = SourceSession &
  LeaseSession &
  QuarantineSession &
  UpkeepSession & {
    /** Lets go of the connection, at once and without waiting for what is under way. Never throws. */
    close(): void
  }
