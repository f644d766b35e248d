import type { Act } from '../../audit/act.ts'

/** What became of an outbox that was taken over from another cluster. */
export type AdoptionReport = {
  /** Nothing was changed: these are the numbers that there would be. */
  readonly dryRun: boolean
  /** The cluster that the checkpoints were saved in; `undefined` when there were none. */
  readonly from: string | undefined
  /** The cluster that it is in now. */
  readonly to: string
  readonly shards: number
  /** Rows that were not published yet: they were inserted again, with a transaction of this cluster. */
  readonly unpublished: number
  /** Rows that had been published: they were removed. */
  readonly published: number
  /** Rows in the quarantine, 10,000 of them at most: they stay. */
  readonly parked: number
  /** There are more of them than were counted. */
  readonly hasMoreParked: boolean
  /** The sequence goes on behind this value. */
  readonly sequence: string
}

/** What became of an outbox that got another number of shards. */
export type ReshardReport = {
  /** Nothing was changed: these are the numbers that there would be. */
  readonly dryRun: boolean
  readonly from: number
  readonly to: number
  /** Rows that one shard had published and another one was behind: they are published again, with the ids that they had. */
  readonly resent: number
  /** All shards go on from this snapshot. */
  readonly snapshot: string
}

/** Options of {@link OutboxAdministrator.adopt}. */
export type AdoptOptions = {
  /** Only counts. Default false. */
  readonly dryRun?: boolean
  /** How long to wait for transactions that have written the outbox; those that want to write it wait as long. Default 2,000 ms. */
  readonly lockTimeoutMs?: number
}

/** Options of {@link OutboxAdministrator.reshard}. */
export type ReshardOptions = {
  /** Only counts. Default false. */
  readonly dryRun?: boolean
  /** With more rows that would be published again nothing is changed. Default 10,000. */
  readonly resentMax?: number
}

/** The acts that concern an outbox as a whole, done while no relay owns it. Each is one transaction, with its entry in the audit trail. */
export type OutboxAdministrator = {
  /**
   * Takes an outbox over whose checkpoints were saved in another cluster, or know transactions that this one has not seen: after a dump was
   * restored, or an upgrade. Rows that were not published yet are inserted again with a transaction number of this cluster, in their order and with
   * all their columns; all others are removed, the sequence is set behind them, and the checkpoints begin anew. The quarantine stays.
   *
   * What the relay sent between the dump and the outage is unpublished as the dump knows it, and so is sent again, with the same ids.
   *
   * @throws `OUTBOX_NOT_RESTORED` when the checkpoints are of this cluster; `OUTBOX_IN_USE` when transactions have written the outbox and
   *   are still open; `OUTBOX_OWNED`, `SCHEMA_MISSING`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  adopt(act: Act, options?: AdoptOptions): Promise<AdoptionReport>
  /**
   * Changes the number of shards. Nothing is lost, and the order of each key holds: all new shards go on from the snapshot to which all is
   * visible that all old shards have published. Writers go on meanwhile. The pinned numbers of partitions go over to all new shards.
   *
   * @throws `OUTBOX_OWNED` while a relay owns a shard; `OUTBOX_SHARDS_APART` when more rows than allowed would be published again;
   *   `OUTBOX_REPLAY_OPEN` while a replay is not done; `OUTBOX_TOPICS_APART` when the shards write a topic with different numbers of partitions;
   *   `CONFIG_INVALID` for a number that is none from 1 to 256; `OUTBOX_CHECKPOINT_FOREIGN`, `SCHEMA_MISSING`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  reshard(count: number, act: Act, options?: ReshardOptions): Promise<ReshardReport>
}
