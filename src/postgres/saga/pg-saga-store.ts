import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import { storedHeaders } from '../../inbox/stored-headers.ts'
import type { SagaStatus } from '../../saga/machine/saga-state.ts'
import type { DefinitionName, SagaInstance, SagaStore } from '../../saga/saga-store.ts'
import { explainSqlError } from '../explain-sql-error.ts'
import { namedStatement, runNamed } from '../named-statement.ts'
import { claimMessages } from '../queries/saga/claim-messages.ts'
import { deleteSetAside } from '../queries/saga/delete-set-aside.ts'
import { type DeadLetterRow, insertDeadLetters } from '../queries/saga/insert-dead-letters.ts'
import { insertSetAside, type SetAsideRow } from '../queries/saga/insert-set-aside.ts'
import { lockDueSagas } from '../queries/saga/lock-due-sagas.ts'
import { type InstanceRecord, lockInstances } from '../queries/saga/lock-instances.ts'
import { lockSetAside, type SetAsideReading } from '../queries/saga/lock-set-aside.ts'
import { registerDefinitions } from '../queries/saga/register-definitions.ts'
import { writeTransitions } from '../queries/saga/write-transitions.ts'
import { postponeTimers } from '../queries/timer/postpone-timers.ts'
import { type DueTimerRecord, takeDueTimers } from '../queries/timer/take-due-timers.ts'
import { untilNextTimer } from '../queries/timer/until-next-timer.ts'
import { restoredHeaders } from './restored-headers.ts'
import { transitionParameters } from './transition-parameters.ts'
import { quoteSchema } from '../schema-name.ts'

/**
 * SQLSTATEs of what is refused for what it is: unsupported, cardinality, data, constraints, and what functions and triggers raise
 * (`P0001` and the classes of routines), views that check, limits. All else is the surroundings’ doing.
 */
const refusals = /^(0A|21|22|23|2F|38|39|44|54|P0)...$/

/** A statement was cancelled (by the role’s `statement_timeout`, say), or a lock was not to be had within `lock_timeout`. */
const slowness = /^(57014|55P03)$/

/**
 * The tables of an orchestrator in Postgres, through transactions of `pgDatabase`. Its statements are prepared once for each connection,
 * whatever the size of the tables is by then: give it the connections of `sagaPool`.
 */
export function pgSagaStore(schemaName: string, orchestrator: string): SagaStore {
  const schema = quoteSchema(schemaName)
  const statements = {
    claim: namedStatement('claim messages', claimMessages(schema)),
    lock: namedStatement('lock sagas', lockInstances(schema)),
    write: namedStatement('write transitions', writeTransitions(schema)),
    deadLetter: namedStatement('dead letters', insertDeadLetters(schema)),
    setAside: namedStatement('set aside', insertSetAside(schema)),
    lockDue: namedStatement('lock due sagas', lockDueSagas(schema)),
    takeDue: namedStatement('take due timers', takeDueTimers(schema)),
    postpone: namedStatement('postpone timers', postponeTimers(schema)),
    untilNext: namedStatement('until next timer', untilNextTimer(schema)),
    lockSetAside: namedStatement('lock set aside', lockSetAside(schema)),
    dropSetAside: namedStatement('drop set aside', deleteSetAside(schema)),
    register: namedStatement('register definitions', registerDefinitions(schema)),
  }
  const run = <Row extends Record<string, unknown>>(
    tx: SqlExecutor,
    statement: keyof typeof statements,
    values: readonly unknown[],
  ): Promise<readonly Row[]> =>
    runNamed<Row>(tx, statements[statement], values).then(
      ({ rows }) => rows,
      explainSqlError(`the saga tables of the schema ${schemaName}`),
    )

  return {
    receive: async (tx, claims, sagaIds) => {
      const claimed =
        claims.length === 0
          ? []
          : run<{ id: string }>(tx, 'claim', [
              orchestrator,
              claims.map(({ source }) => source),
              claims.map(({ id }) => id),
            ])
      // Sent together where the connection is pipelined; the server runs them one after the other.
      const [fresh, sagas] = await Promise.all([
        claimed,
        sagaIds.length === 0 ? [] : run<InstanceRecord>(tx, 'lock', [sagaIds]),
      ])
      return { fresh: new Set(fresh.map(({ id }) => id)), instances: instancesById(sagas) }
    },
    write: async (tx, writes) => {
      const rows = await run<{ id: string }>(tx, 'write', transitionParameters(writes))
      return new Set(rows.map(({ id }) => id))
    },
    deadLetter: async (tx, letters) => {
      const rows = letters.map(
        (letter): DeadLetterRow => ({
          topic: letter.topic,
          message_id: letter.messageId,
          partition: letter.partition,
          offset: String(letter.offset),
          message_key: base64(letter.key),
          type: letter.type ?? null,
          headers: letter.headers,
          payload: base64(letter.payload),
          reason_code: letter.reasonCode,
          reason: letter.reason,
          stack: letter.stack ?? null,
          attempts: letter.attempts,
        }),
      )
      await run(tx, 'deadLetter', [orchestrator, JSON.stringify(rows)])
    },
    setAside: async (tx, records) => {
      const rows = records.map(
        ({ messageId, name, version, record }): SetAsideRow => ({
          topic: record.topic,
          message_id: messageId,
          name,
          version,
          partition: record.partition,
          offset: String(record.offset),
          message_key: base64(record.key),
          headers: storedHeaders(record.headers),
          payload: base64(record.value),
        }),
      )
      await run(tx, 'setAside', [orchestrator, JSON.stringify(rows)])
    },
    takeDueTimers: async (tx, definitions, sagasMax) => {
      const sagas = await run<InstanceRecord>(tx, 'lockDue', [
        orchestrator,
        ...columnsOf(definitions),
        sagasMax,
      ])
      if (sagas.length === 0) return { timers: [], instances: new Map() }
      const instances = instancesById(sagas)
      const due = await run<DueTimerRecord>(tx, 'takeDue', [[...instances.keys()]])
      return { instances, timers: due.map(({ due_at_ms: dueAtMs, ...timer }) => ({ ...timer, dueAtMs })) }
    },
    postponeTimers: async (tx, sagaId, byMs) => void (await run(tx, 'postpone', [sagaId, byMs])),
    untilNextTimerMs: async (tx, definitions) => {
      const [next] = await run<{ until_ms: number }>(tx, 'untilNext', [
        orchestrator,
        ...columnsOf(definitions),
      ])
      return next?.until_ms
    },
    lockSetAside: async (tx, definitions, { after, limit }) => {
      const values = [orchestrator, ...columnsOf(definitions), after ?? null, limit]
      const rows = await run<SetAsideReading>(tx, 'lockSetAside', values)
      return rows.map((row) => ({
        messageId: row.message_id,
        name: row.name,
        version: row.version,
        record: {
          topic: row.topic,
          partition: row.partition,
          offset: BigInt(row.offset),
          key: row.message_key,
          value: row.payload,
          headers: restoredHeaders(row.headers),
          timestampMs: row.set_aside_at_ms,
        },
      }))
    },
    dropSetAside: async (tx, records) => {
      const topics = records.map(({ source }) => source)
      await run(tx, 'dropSetAside', [orchestrator, topics, records.map(({ id }) => id)])
    },
    register: async (tx, definitions) =>
      run<{ name: string; version: number }>(tx, 'register', [JSON.stringify(definitions)]),
    isRefusal: (thrown) => hasCode(thrown, refusals),
    isTooSlow: (thrown) => hasCode(thrown, slowness),
  }
}

function hasCode(thrown: unknown, codes: RegExp): boolean {
  const code = (thrown as { code?: unknown } | null)?.code
  return typeof code === 'string' && codes.test(code)
}

function instancesById(rows: readonly InstanceRecord[]): ReadonlyMap<string, SagaInstance> {
  return new Map(
    rows.map((row) => {
      const {
        id,
        name,
        version,
        hash,
        business_key: businessKey,
        orchestrator,
        status,
        state,
        revision,
        traceparent,
        tracestate,
      } = row
      const columns = { id, name, version, hash, businessKey, orchestrator, state, revision }
      const trace = {
        ...(traceparent !== null && { traceparent }),
        ...(tracestate !== null && { tracestate }),
      }
      return [id, { ...columns, ...trace, status: status as SagaStatus }]
    }),
  )
}

function columnsOf(definitions: readonly DefinitionName[]): readonly [readonly string[], readonly number[]] {
  return [definitions.map(({ name }) => name), definitions.map(({ version }) => version)]
}

function base64(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString('base64')
}
