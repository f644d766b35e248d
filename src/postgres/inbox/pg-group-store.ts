import type { GroupStore } from '../../inbox/groups/group-store.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { enrolGroup } from '../queries/group/enrol-group.ts'
import { type ProgressRow, readProgress } from '../queries/group/read-progress.ts'
import { countBlocks, retireLeaf, retireTimeout, sweepDefault } from '../queries/group/retire-rows.ts'
import { saveProgress } from '../queries/group/save-progress.ts'
import { takeTurn } from '../queries/group/take-turn.ts'
import { quoteSchema } from '../schema-name.ts'

/** The groups of the inbox in Postgres. */
export function pgGroupStore(schemaName: string): GroupStore {
  const schema = quoteSchema(schemaName)
  const explain = explainSqlError(`${schemaName}.inbox_group`)
  return {
    enrol: async (tx, { group, kind, topics, retentionMs }) => {
      const { rows } = await tx
        .query<{ generation: number }>(enrolGroup(schema), [group, kind, topics, Math.trunc(retentionMs)])
        .catch(explain)
      return rows[0]?.generation ?? 1
    },
    progress: async (tx, group) => {
      const { rows } = await tx.query<ProgressRow>(readProgress(schema), [group]).catch(explain)
      const [row] = rows
      if (row === undefined) return undefined
      const { committed, marks, marked_at: markedAt, passed_at: passedAt, now } = row
      return { committed, marks, markedAt, passedAt, now }
    },
    saveProgress: async (tx, group, before, { committed, marks, markedAt, passedAt }) => {
      const values = [JSON.stringify(committed), JSON.stringify(marks), markedAt, passedAt, before.markedAt]
      await tx.query(saveProgress(schema), [group, ...values]).catch(explain)
    },
    takeTurn: async (tx, intervalMs) => {
      const { rowCount } = await tx.query(takeTurn(schema), [intervalMs]).catch(explain)
      return rowCount === 1
    },
    retireLeaf: async (tx) => {
      await tx.query(retireTimeout, [])
      const { rows } = await tx.query<{ done: string | null }>(retireLeaf(schema), []).catch(explain)
      return rows[0]?.done ?? undefined
    },
    defaultBlocks: async (tx) => {
      const { rows } = await tx
        .query<{ blocks: string }>(countBlocks, [`${schema}.inbox_default`])
        .catch(explain)
      return Number(rows[0]?.blocks ?? 0)
    },
    sweepDefault: async (tx, firstBlock, blocks) => {
      const { rows } = await tx
        .query<{ swept: number }>(sweepDefault(schema), [firstBlock, blocks])
        .catch(explain)
      return rows[0]?.swept ?? 0
    },
  }
}
