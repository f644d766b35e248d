import type { RewoundPartition } from '../../inbox/groups/rewind-plan-machine.ts'
import { BackstitchError } from '../../kernel/errors.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { dropLetters, lockLines, straightenLines } from '../queries/group/drop-letters.ts'
import { type GroupRow, listGroups } from '../queries/group/list-groups.ts'
import {
  forgetGroup,
  lockGroup,
  lockGroupTimeout,
  type KeptFromRow,
  type LockedGroupRow,
  readKeptFrom,
  rewindGroup,
} from '../queries/group/rewind-group.ts'
import { quoteSchema } from '../schema-name.ts'

/** A group that uses an inbox. */
export type GroupSummary = {
  readonly group: string
  readonly kind: 'consumer' | 'participant' | 'orchestrator'
  readonly topics: readonly string[]
  /** Of the inbox: 1, and one more for each `reprocess`. */
  readonly generation: number
  readonly retentionMs: number
  /** When a member was last there, give or take ten minutes. */
  readonly seenAt: Date
  /** What it had before that moment is committed; `undefined` while nothing is known of it. It holds back the retention of the inbox. */
  readonly passedAt: Date | undefined
  readonly deadLetters: number
}

/** A group that nobody else can change meanwhile. */
export type LockedGroup = {
  readonly kind: string
  readonly topics: readonly string[]
  readonly generation: number
  /** Of what was claimed before, rows of the inbox may be gone. */
  readonly keptFrom: Date | undefined
}

/** What the verbs of groups do in the database. */
export type PgGroupDesk = {
  list(tx: SqlExecutor, group?: string): Promise<readonly GroupSummary[]>
  /** @throws `GROUP_NOT_FOUND` */
  lock(tx: SqlExecutor, group: string): Promise<LockedGroup>
  rewind(tx: SqlExecutor, group: string, generation: number): Promise<void>
  /** @returns how many */
  dropLetters(tx: SqlExecutor, group: string, partitions: readonly RewoundPartition[]): Promise<number>
  forget(tx: SqlExecutor, group: string): Promise<void>
}

/** Makes a {@link PgGroupDesk}. */
export function pgGroupDesk(schemaName: string): PgGroupDesk {
  const schema = quoteSchema(schemaName)
  const explain = explainSqlError(`${schemaName}.inbox_group`)
  return {
    list: async (tx, group) => {
      const { rows } = await tx.query<GroupRow>(listGroups(schema), [group ?? null]).catch(explain)
      return rows.map(({ retention_ms, seen_at, passed_at, dead_letters, ...row }) => ({
        ...row,
        retentionMs: Number(retention_ms),
        seenAt: seen_at,
        passedAt: passed_at ?? undefined,
        deadLetters: Number(dead_letters),
      }))
    },
    lock: async (tx, group) => {
      await tx.query(lockGroupTimeout, [])
      const { rows } = await tx.query<LockedGroupRow>(lockGroup(schema), [group]).catch(explain)
      const [row] = rows
      if (row === undefined) throw new BackstitchError('GROUP_NOT_FOUND', group)
      const kept = await tx.query<KeptFromRow>(readKeptFrom(schema), []).catch(explain)
      return { ...row, keptFrom: kept.rows[0]?.kept_from ?? undefined }
    },
    rewind: async (tx, group, generation) => {
      await tx.query(rewindGroup(schema), [group, generation]).catch(explain)
    },
    dropLetters: async (tx, group, partitions) => {
      const places = partitions.map(({ topic, partition, to }) => ({ topic, partition, offset: String(to) }))
      await tx.query(lockLines(schema), [group]).catch(explain)
      const { rowCount } = await tx.query(dropLetters(schema), [group, JSON.stringify(places)])
      await tx.query(straightenLines(schema), [group])
      return rowCount ?? 0
    },
    forget: async (tx, group) => {
      await tx.query(forgetGroup(schema), [group]).catch(explain)
    },
  }
}
