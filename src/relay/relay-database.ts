import type { Shard } from './ownership/shard.ts'
import type { StewardSession, StewardSettings } from './ownership/steward-session.ts'
import type { DeferredSession } from './deferred/deferred-session.ts'
import type { LeaseSession } from './lease/lease-session.ts'
import type { TopicSession } from './publishing/topic-session.ts'
import type { QuarantineSession } from './quarantine/quarantine-session.ts'
import type { ReplaySession } from './replay/replay-session.ts'
import type { SourceSession } from './source/source-session.ts'
import type { LeafSession } from './upkeep/leaf-session.ts'
import type { WakeEvents, WakeListener } from './wake/wake-listener.ts'
import type { UpkeepSession } from './upkeep/upkeep-session.ts'

/** A database with an outbox, as the relay needs it. `src/postgres` has the real one. */
export type RelayDatabase = {
  /** For log lines and health. */
  readonly name: string
  /** How many shards the outbox is expected to have; default: as many as it has. */
  readonly shards?: number
  /**
   * Opens the session with which a process shows that it serves the outbox, and sees who owns it.
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, `DATABASE_FAILING`, `OUTBOX_SHARDS_CHANGED`
   */
  steward(settings: StewardSettings): Promise<StewardSession>
  /**
   * Opens a session for a shard. What is read, concluded and saved must come from one server, whatever connections it takes.
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, `DATABASE_FAILING`, `OUTBOX_SHARDS_CHANGED`
   */
  connect(settings: SessionSettings): Promise<RelaySession>
  /** Listens for writers that announce their commits, on a connection of its own, for as long as it takes. Absent: it cannot. */
  listen?(events: WakeEvents): WakeListener
  /**
   * Opens a connection for the upkeep of the leaves.
   * @param keepPublishedMs how long published rows are kept
   * @throws `DATABASE_UNREACHABLE`, `SCHEMA_MISSING`, `DATABASE_FAILING`
   */
  openLeaves(keepPublishedMs: number): Promise<LeafSession>
}

/** What a session must keep within. */
export type SessionSettings = {
  /** Locks and statements of the session end before a lease of this length does. */
  readonly leaseDurationMs: number
  /** Default: the outbox is one shard. */
  readonly shard?: Shard
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
  TopicSession &
  UpkeepSession &
  DeferredSession & {
    readonly replays: ReplaySession
    /** Lets go of the connection, at once and without waiting for what is under way. Never throws. */
    close(): void
  }
