import { parsedJson } from '../../kernel/parsed-json.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { HistoryKind } from '../../saga/machine/saga-effect.ts'
import type { SagaStatus } from '../../saga/machine/saga-state.ts'
import type {
  SagaHistoryEntry,
  SagaOperatorStore,
  SagaSummary,
} from '../../saga/operator/saga-operator-store.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { findByKeys, type KeyRecord } from '../queries/saga/find-by-keys.ts'
import { findSaga, listSagas, type SummaryRecord } from '../queries/saga/list-sagas.ts'
import {
  findState,
  type HistoryRecord,
  listHistory,
  listTimers,
  type TimerRecord,
} from '../queries/saga/show-saga.ts'
import { quoteSchema } from '../schema-name.ts'

/** Reads sagas for people, from Postgres. */
export function pgSagaOperatorStore(schemaName: string): SagaOperatorStore {
  const schema = quoteSchema(schemaName)
  const list = listSagas(schema)
  const find = findSaga(schema)
  const byKeys = findByKeys(schema)
  const state = findState(schema)
  const history = listHistory(schema)
  const timers = listTimers(schema)
  const rowsOf = <Row extends Record<string, unknown>>(
    tx: SqlExecutor,
    text: string,
    values: readonly unknown[],
  ): Promise<readonly Row[]> =>
    tx
      .query<Row>(text, values)
      .then(({ rows }) => rows, explainSqlError(`the saga tables of the schema ${schemaName}`))

  return {
    list: async (tx, { status, limit }) => {
      const rows = await rowsOf<SummaryRecord>(tx, list, [status ?? null, limit])
      return rows.map(summaryOf)
    },
    find: async (tx, id) => {
      const [row] = await rowsOf<SummaryRecord>(tx, find, [id])
      return row && summaryOf(row)
    },
    findByKey: async (tx, name, businessKey) => {
      const [row] = await rowsOf<KeyRecord>(tx, byKeys, [name, [businessKey]])
      return row?.saga_id
    },
    details: async (tx, id) => {
      const [stored] = await rowsOf<{ state: string; hash: string; revision: number }>(tx, state, [id])
      const lines = await rowsOf<HistoryRecord>(tx, history, [id])
      const armed = await rowsOf<TimerRecord>(tx, timers, [id])
      return {
        state: stored?.state ?? '',
        hash: stored?.hash ?? '',
        revision: stored?.revision ?? 0,
        history: lines.map(entryOf),
        timers: armed.map(({ due_at_ms, ...timer }) => ({ ...timer, dueAt: new Date(due_at_ms) })),
      }
    },
  }
}

function summaryOf(row: SummaryRecord): SagaSummary {
  return {
    id: row.id,
    name: row.name,
    version: row.version,
    businessKey: row.business_key,
    orchestrator: row.orchestrator,
    status: row.status as SagaStatus,
    ...(row.reason !== null && { reason: row.reason }),
    startedAt: new Date(row.started_at_ms),
    updatedAt: new Date(row.updated_at_ms),
    ...(row.ended_at_ms !== null && { endedAt: new Date(row.ended_at_ms) }),
  }
}

function entryOf({ at_ms, kind, step, round, direction, attempt, detail }: HistoryRecord): SagaHistoryEntry {
  return {
    at: new Date(at_ms),
    kind: kind as HistoryKind,
    ...(step !== null && { step }),
    ...(direction !== null && { direction }),
    ...(round !== null && { round }),
    ...(attempt !== null && { attempt }),
    ...(detail !== null && { detail: parsedJson(detail) }),
  }
}
