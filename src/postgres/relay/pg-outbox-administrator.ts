import type { Pool } from 'pg'
import { type Act, checkedAct } from '../../audit/act.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type {
  AdoptionReport,
  AdoptOptions,
  OutboxAdministrator,
  ReshardOptions,
  ReshardReport,
} from '../../relay/ownership/outbox-administrator.ts'
import { meetOfSnapshots } from '../../relay/source/meet-of-snapshots.ts'
import { parseSnapshot } from '../../relay/source/snapshot.ts'
import { pgAuditTrail } from '../audit/pg-audit-trail.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { verbTransaction } from '../operator/verb-transaction.ts'
import { pgDatabase } from '../pg-database.ts'
import {
  countUnpublished,
  emptyOutbox,
  insertUnpublished,
  type OutboxCounts,
  raiseSequence,
  setUnpublishedAside,
} from '../queries/ownership/adopt-outbox.ts'
import {
  beginCheckpoints,
  deleteCheckpoints,
  lockCheckpoints,
  lockOutbox,
} from '../queries/ownership/begin-checkpoints.ts'
import { deletePins, listTopicsApart, spreadPins } from '../queries/ownership/reshard-topics.ts'
import { countResent, reshardQuarantine, setShardCount } from '../queries/ownership/reshard-outbox.ts'
import { lockVerbs } from '../queries/quarantine/request-intent.ts'
import { findOpenReplay } from '../queries/replay/request-replay.ts'
import { keepLeaves } from '../queries/upkeep/keep-leaves.ts'
import { defaultSchema, quoteSchema } from '../schema-name.ts'
import { readOwnership } from './read-ownership.ts'

/** What is visible to no snapshot but a later one: all rows of a table that holds unpublished ones only. */
const beforeAll = '1:1:'
const shardsMax = 256
/** Rows of the quarantine that one statement moves into their shards. */
const movedAtOnce = 5_000
const lockNotAvailable = '55P03'

/** {@link OutboxAdministrator} over the outbox of a database. @throws `CONFIG_INVALID` when the schema’s name is unusable */
export function pgOutboxAdministrator(
  pool: Pool,
  schemaName: string = defaultSchema,
  name: string = schemaName,
): OutboxAdministrator {
  const schema = quoteSchema(schemaName)
  const database = pgDatabase(pool)
  const audit = pgAuditTrail(schemaName)
  const table = `${schema}.outbox`

  /** One transaction, in which nothing but a lock is waited for in vain. */
  const transaction = <Result>(
    lockTimeoutMs: number,
    work: (tx: SqlExecutor) => Promise<Result>,
  ): Promise<Result> =>
    database
      .transaction(async (tx) => {
        await tx.query(`set local lock_timeout = ${Math.trunc(lockTimeoutMs)}`)
        await tx.query(`set local statement_timeout = 0; set local row_security = off`)
        return work(tx)
      }, verbTransaction)
      .catch((error: unknown) => {
        if ((error as { code?: unknown }).code === lockNotAvailable)
          throw new BackstitchError('OUTBOX_IN_USE', table, { cause: error })
        return explainSqlError(table)(error)
      })

  async function adopt(act: Act, options: AdoptOptions = {}): Promise<AdoptionReport> {
    const { actor, reason } = checkedAct(act)
    const { dryRun = false, lockTimeoutMs = 2_000 } = options
    return transaction(lockTimeoutMs, async (tx) => {
      if (!dryRun) {
        await tx.query(lockOutbox(schema))
        await tx.query(lockCheckpoints(schema))
      }
      const before = await readOwnership(tx, schema)
      if (!before.isForeign && !before.isAhead && before.checkpoints > 0)
        throw new BackstitchError('OUTBOX_NOT_RESTORED', `${name}: cluster ${before.server}`)
      if (!before.isForeign) before.assertFree(name)
      const { rows } = await tx.query<OutboxCounts>(countUnpublished(schema, before.sequence))
      const report = {
        dryRun,
        from: before.savedIn,
        to: before.server,
        shards: before.shardCount,
        unpublished: Number(rows[0]?.unpublished),
        published: Number(rows[0]?.published),
        parked: before.parked,
        hasMoreParked: before.hasMoreParked,
      }
      if (dryRun) return { ...report, sequence: before.sequenceHigh }
      await tx.query(setUnpublishedAside(schema, before.sequence))
      const raised = await tx.query<{ value: string }>(raiseSequence(schema, before.sequence))
      const behind = raised.rows[0]?.value ?? '0'
      await tx.query(emptyOutbox(schema))
      // a range that was kept free in the default partition, for a leaf that was about to be made there
      await tx.query(keepLeaves(schema).closeGap)
      await tx.query(insertUnpublished(schema))
      const sequence = String(BigInt(behind) + BigInt(report.unpublished))
      await tx.query(deleteCheckpoints(schema))
      await tx.query(beginCheckpoints(schema), [
        before.settledCount,
        String(before.number + 1n),
        String(before.epoch + 1n),
        beforeAll,
        behind,
        sequence,
      ])
      const result = { ...report, sequence }
      await audit.record(tx, {
        actor,
        verb: 'outbox adopt',
        target: { kind: 'outbox', id: name },
        reason,
        before: { cluster: before.savedIn, sequence: before.sequenceHigh },
        after: result,
      })
      return result
    })
  }

  /** @throws `OUTBOX_REPLAY_OPEN`, `OUTBOX_TOPICS_APART` */
  async function assertCanBeMoved(tx: SqlExecutor, settledCount: number): Promise<void> {
    const replays = await tx.query<{ id: string }>(findOpenReplay(schema))
    if (replays.rows[0])
      throw new BackstitchError('OUTBOX_REPLAY_OPEN', `${name}: replay ${replays.rows[0].id}`)
    const apart = await tx.query<{ topic: string }>(listTopicsApart(schema), [settledCount])
    if (apart.rows.length > 0)
      throw new BackstitchError(
        'OUTBOX_TOPICS_APART',
        `${name}: ${apart.rows.map(({ topic }) => topic).join(', ')}`,
      )
  }

  async function reshard(count: number, act: Act, options: ReshardOptions = {}): Promise<ReshardReport> {
    const { actor, reason } = checkedAct(act)
    const { dryRun = false, resentMax = 10_000 } = options
    if (!(Number.isInteger(count) && count >= 1 && count <= shardsMax))
      throw new BackstitchError('CONFIG_INVALID', `shards: a whole number from 1 to ${shardsMax}`)
    return transaction(2_000, async (tx) => {
      // a replay is noted for each shard that there is: none may be meanwhile
      await tx.query(lockVerbs, [schema])
      if (!dryRun) await tx.query(lockCheckpoints(schema))
      const before = await readOwnership(tx, schema)
      before.assertOfThisCluster(name)
      before.assertFree(name)
      await assertCanBeMoved(tx, before.settledCount)
      // a shard that was never owned has published nothing
      const snapshot = before.checkpoints < before.settledCount ? beforeAll : meetOfSnapshots(before.previous)
      const { rows } = await tx.query<{ resent: string }>(countResent(schema), [
        snapshot,
        String(parseSnapshot(snapshot).xmin),
      ])
      const report = {
        dryRun,
        from: before.settledCount,
        to: count,
        resent: Number(rows[0]?.resent),
        snapshot,
      }
      if (report.resent > resentMax)
        throw new BackstitchError(
          'OUTBOX_SHARDS_APART',
          `${name}: ${report.resent} rows, ${resentMax} are allowed`,
        )
      if (dryRun) return report
      const isWhole = before.checkpoints === before.settledCount
      await tx.query(setShardCount(schema), [count])
      let last: string | null = '-1'
      while (last !== null) {
        const page: { rows: { last: string | null }[] } = await tx.query(reshardQuarantine(schema), [
          count,
          last,
          movedAtOnce,
        ])
        last = page.rows[0]?.last ?? null
      }
      await tx.query(deletePins(schema), [before.settledCount])
      await tx.query(spreadPins(schema), [count])
      await tx.query(deletePins(schema), [count])
      await tx.query(deleteCheckpoints(schema))
      await tx.query(beginCheckpoints(schema), [
        count,
        String(before.number + 1n),
        String(before.epoch + 1n),
        snapshot,
        // what holds for each of the shards, whatever transactions their snapshots list
        isWhole ? before.lowWater : '0',
        isWhole ? before.sequenceLow : '0',
      ])
      await audit.record(tx, {
        actor,
        verb: 'outbox shards',
        target: { kind: 'outbox', id: name },
        reason,
        before: { shards: before.settledCount },
        after: report,
      })
      return report
    })
  }

  return { adopt, reshard }
}
