import type { Act } from '../../audit/act.ts'

/** Which rows are to be sent again, and where to. At least one of `fromSeq`, `toSeq`, `from` and `to` is given. */
export type ReplayRequest = {
  readonly fromSeq?: string
  readonly toSeq?: string
  /** By `created_at`. */
  readonly from?: Date
  readonly to?: Date
  readonly aggregateType?: string
  readonly key?: string
  /** Default: the topics that the rows were for. A compacted one is refused. */
  readonly topic?: string
  /**
   * Whether records get ids of their own, derived from the replay and the old id, which becomes the causation id: inboxes then take them as new
   * messages. Default false: an inbox that has had a message passes over it.
   */
  readonly newIds?: boolean
}

/** A replay that was asked for. */
export type RequestedReplay = {
  readonly id: string
  readonly fromSeq: string
  readonly toSeq: string
  /** The first row that there still is: of what was asked for before it nothing can be sent. */
  readonly keptFrom: { readonly seq: string; readonly createdAt: Date }
  /** Whether rows before it were asked for. */
  readonly isCut: boolean
}

/** How far a replay is, over all shards. */
export type ReplayEntry = {
  readonly id: string
  readonly state: 'requested' | 'running' | 'completed' | 'cancelled' | 'failed'
  readonly fromSeq: string
  readonly toSeq: string
  /** Of the shard that is the least far: up to this `seq` all is done. */
  readonly position: string
  readonly published: number
  /** Passed over: rows of keys, topics and partitions that are held back. */
  readonly skipped: number
  /** Refused by Kafka. */
  readonly refused: number
  readonly aggregateType?: string
  readonly key?: string
  readonly topic?: string
  readonly newIds: boolean
  /** Why it failed. */
  readonly failure?: string
  readonly requestedBy: string
  readonly reason: string
  readonly requestedAt: Date
  readonly updatedAt: Date
}

/** Has published rows sent again. The relays that own the shards do it, beside what is new. */
export type ReplayOperator = {
  /**
   * Asks for a replay, recorded in the audit trail. Records carry the header `replay-id`.
   * @throws `ROWS_NOT_KEPT` when nothing of it is left, `CONFIG_INVALID`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  replay(request: ReplayRequest, act: Act): Promise<RequestedReplay>
  /** Replays, the newest first. Default limit 20. */
  replays(filter?: { readonly id?: string; readonly limit?: number }): Promise<readonly ReplayEntry[]>
  /** Ends a replay after the slice that is under way. @throws `REPLAY_NOT_FOUND` when there is none that is not done */
  cancelReplay(id: string, act: Act): Promise<void>
}
