import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/database.ts'
import { reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { TransportAdmin } from '../../transport/admin.ts'
import type { GroupStore } from './group-store.ts'
import { type FoundOffsets, nextProgress, type PartitionOffsets } from './progress-machine.ts'

/** What {@link inboxUpkeep} needs. */
export type InboxUpkeepOptions = {
  readonly group: string
  readonly topics: readonly string[]
  readonly database: Database
  readonly store: GroupStore
  readonly admin: () => TransportAdmin
  /** Makes the leaves of the coming months; never rejects. */
  readonly addLeaves: () => Promise<void>
  /** How often it looks how far the group is. Old rows are cleared away at every sixth time, by one member of all groups. */
  readonly intervalMs: number
  readonly logger: Logger
  readonly clock: Clock
}

/** Keeps the inbox in the background of a member. */
export type InboxUpkeep = {
  /** Begins; does nothing when it runs or was stopped. */
  start(): void
  /** Cuts what is under way in the database, and waits a moment for an answer of the brokers. */
  stop(): Promise<void>
}

/** So much later than a start that a deployment has settled. */
const firstAfterMs = 30_000
const turnsApart = 6
/** Of leaves in one turn: a year of them, each emptied and dropped. */
const leavesMax = 128
/** About 2 MB at a time, with a pause in between as long as it takes many handlers to get on. */
const blocksAtATime = 256
const sweepPauseMs = 50
const stopPatienceMs = 2_000

/**
 * Keeps the inbox: notes how far the group has committed, makes leaves ahead, and clears away rows that are older than every group wants and that lie
 * behind the committed offsets of all groups. It never throws; what fails is tried again the next time.
 */
export function inboxUpkeep(options: InboxUpkeepOptions): InboxUpkeep {
  const { group, topics, database, store, intervalMs, logger, clock } = options
  const stopping = new AbortController()
  const { signal } = stopping
  let running: Promise<void> | undefined
  /** Cut when the member stops. Each statement sees what was committed before it: a look under a lock must see what came before the lock. */
  const transaction = <Result>(work: (tx: SqlExecutor) => Promise<Result>): Promise<Result> =>
    database.transaction(work, { signal, isolation: 'read committed' })

  const noteProgress = async (): Promise<void> => {
    const before = await transaction((tx) => store.progress(tx, group))
    if (before === undefined) return
    const admin = options.admin()
    try {
      const found = await offsetsOf(admin, group, topics, before.now)
      await transaction((tx) => store.saveProgress(tx, group, before, nextProgress(before, found)))
    } finally {
      await admin.close()
    }
  }

  const clearAway = async (): Promise<void> => {
    if (!(await transaction((tx) => store.takeTurn(tx, intervalMs * turnsApart)))) return
    await options.addLeaves()
    for (let leaf = 0; leaf < leavesMax && !signal.aborted; leaf++) {
      const done = await transaction((tx) => store.retireLeaf(tx))
      if (done === undefined) break
      logger.info({ done }, 'cleared old rows of the inbox away')
    }
    const blocks = await transaction((tx) => store.defaultBlocks(tx))
    let swept = 0
    for (let block = 0; block < blocks && !signal.aborted; block += blocksAtATime) {
      const first = block
      swept += await transaction((tx) => store.sweepDefault(tx, first, blocksAtATime))
      await clock.pause(sweepPauseMs, signal)
    }
    if (swept > 0) logger.info({ rows: swept }, 'cleared old rows of the inbox’s default partition away')
  }

  const keep = async (): Promise<void> => {
    await clock.pause(Math.min(firstAfterMs, intervalMs) * (0.5 + Math.random() / 2), signal)
    while (!signal.aborted) {
      for (const task of [noteProgress, clearAway])
        await task().catch((thrown: unknown) => {
          if (!signal.aborted)
            logger.warn({ reason: reasonOf(thrown) }, 'the inbox could not be kept; it is tried again')
        })
      await clock.pause(intervalMs, signal)
    }
  }

  return {
    start: () => {
      if (!signal.aborted) running ??= keep()
    },
    stop: async () => {
      stopping.abort()
      const patience = new AbortController()
      await Promise.race([running, clock.pause(stopPatienceMs, patience.signal)])
      patience.abort()
    },
  }
}

async function offsetsOf(
  admin: TransportAdmin,
  group: string,
  topics: readonly string[],
  now: string,
): Promise<FoundOffsets> {
  const committed: Record<string, PartitionOffsets[string]> = {}
  const ends: Record<string, PartitionOffsets[string]> = {}
  const begins: Record<string, PartitionOffsets[string]> = {}
  for (const topic of topics) {
    ends[topic] = texts(await admin.endOffsets(topic))
    begins[topic] = texts(await admin.beginOffsets(topic))
    committed[topic] = texts(await admin.groupOffsets(group, topic))
  }
  return { now, committed, begins, ends }
}

function texts(offsets: readonly (bigint | undefined)[]): PartitionOffsets[string] {
  return offsets.map((offset) => (offset === undefined ? null : String(offset)))
}
