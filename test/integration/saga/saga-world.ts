import { Pool, type PoolClient } from 'pg'
import { expect, onTestFinished } from 'vitest'
import { newId } from '../../../src/kernel/ids.ts'
import type { ProcessPart } from '../../../src/kernel/lifecycle.ts'
import type { Logger } from '../../../src/kernel/logger.ts'
import { migrate } from '../../../src/postgres/migrate.ts'
import { createOrchestrator, type OrchestratorOptions } from '../../../src/runtime/create-orchestrator.ts'
import { createSagaOperator } from '../../../src/runtime/saga-operator.ts'
import type { SagaDetails } from '../../../src/saga/operator/saga-operator-store.ts'
import type { SagaOperator } from '../../../src/saga/operator/saga-operator.ts'
import type { SagaDefinition } from '../../../src/saga/definition/saga-definition.ts'
import type { Part } from '../../../migrations/migration.ts'
import { type InMemoryTransport, inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { partitionOf } from '../../../src/transport/partition.ts'
import { createDatabase } from '../../support/services.ts'

export const replyTopic = 'outbox.event.orchestrator.reply'
export const startTopic = 'outbox.event.orchestrator.saga'

/** A command that waits in the outbox, as far as these tests look at it. */
export type SentCommand = {
  readonly id: string
  readonly type: string
  readonly body: Record<string, unknown>
  readonly correlation_id: string | null
  readonly causation_id: string | null
  readonly saga_id: string
  readonly saga_step: string
  readonly saga_round: number
  readonly saga_direction: 'do' | 'undo'
  readonly saga_attempt: number
  readonly reply_to: string
}

/** A line that was logged. */
type LogLine = {
  readonly level: string
  readonly message: string
  readonly fields: Record<string, unknown>
}

/** A database with sagas, a Kafka in memory, and hands that play the participants. */
export type SagaWorld = {
  readonly pool: Pool
  readonly transport: InMemoryTransport
  readonly log: readonly LogLine[]
  transaction<Result>(work: (client: PoolClient) => Promise<Result>): Promise<Result>
  /** Starts an orchestrator that is stopped when the test ends. */
  orchestrate(sagas: readonly SagaDefinition[], options?: Partial<OrchestratorOptions>): Promise<ProcessPart>
  operator(sagas: readonly SagaDefinition[]): SagaOperator
  /** The commands in the outbox, in order; only those of one saga when it is named. */
  commands(sagaId?: string): Promise<readonly SentCommand[]>
  /** Waits until that many commands of the saga are in the outbox and gives the last one. */
  command(sagaId: string, count: number): Promise<SentCommand>
  /** Publishes an answer to a command. */
  reply(command: SentCommand, outcome: string, body: unknown, with_?: ReplyChanges): Promise<string>
  /** Publishes records as they are to a topic of one partition or more. */
  publish(topic: string, records: readonly RawRecord[]): Promise<void>
  /** Waits until the saga has a status and gives it with its history. */
  ends(sagaId: string, status: string): Promise<SagaDetails>
  /** Waits until a query gives a first value that passes. */
  until<Value>(sql: string, values: readonly unknown[], passes: (value: Value) => boolean): Promise<Value>
  count(table: string): Promise<number>
}

/** What is different in an answer. */
export type ReplyChanges = { readonly id?: string; readonly saga?: Partial<Record<string, string>> }
export type RawRecord = {
  readonly key: string
  readonly value: string | Buffer | null
  readonly headers: Record<string, string>
}

/** Makes a {@link SagaWorld}, with the parts of the orchestrator’s database unless others are named. */
export async function sagaWorld(
  options: { readonly parts?: readonly Part[]; readonly partitions?: number } = {},
): Promise<SagaWorld> {
  const { parts = ['outbox', 'inbox', 'saga', 'timer'], partitions = 2 } = options
  const { url } = await createDatabase({
    migrate: async (database) => void (await migrate({ database, parts })),
  })
  const pool = new Pool({ connectionString: url, max: 8 })
  const transport = inMemoryTransport({ topics: { [replyTopic]: partitions, [startTopic]: partitions } })
  const publisher = transport.publisher()
  await publisher.open()
  const log: LogLine[] = []
  const started: ProcessPart[] = []
  onTestFinished(async () => {
    for (const part of started) await part.stop()
    await pool.end()
  })

  const until: SagaWorld['until'] = async (sql, values, passes) => {
    const deadline = Date.now() + 10_000
    for (;;) {
      const { rows } = await pool.query(sql, [...values])
      const value = rows.map((row) => Object.values(row)[0])[0] as never
      if (passes(value)) return value
      if (Date.now() > deadline)
        throw new Error(`still ${JSON.stringify(value)}: ${sql}\n${JSON.stringify(log, null, 1)}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const commands: SagaWorld['commands'] = async (sagaId) => {
    const { rows } = await pool.query<SentCommand & { payload: string }>(
      `select * from backstitch.outbox where aggregatetype like '%.command' and ($1::uuid is null or saga_id = $1) order by seq`,
      [sagaId ?? null],
    )
    return rows.map((row) => ({ ...row, body: JSON.parse(row.payload) as Record<string, unknown> }))
  }
  const publish: SagaWorld['publish'] = async (topic, records) => {
    const count = (await publisher.partitionCount(topic)) ?? 1
    const result = await publisher.publish(
      records.map(({ key, value, headers }) => ({
        topic,
        partition: partitionOf(key, count),
        key,
        value,
        headers: Object.entries(headers),
      })),
      { deadlineMs: 5_000 },
    )
    expect(result.kind).toBe('acknowledged')
  }

  return {
    pool,
    transport,
    log,
    transaction: (work) => inTransaction(pool, work),
    orchestrate: async (sagas, more = {}) => {
      const part = createOrchestrator({
        database: pool,
        transport,
        sagas,
        logger: recordingLogger(log),
        ...more,
      })
      started.push(part)
      await part.start()
      return part
    },
    operator: (sagas) => createSagaOperator({ database: pool, sagas }),
    commands,
    command: async (sagaId, count) => {
      await until<number>(
        `select count(*)::integer from backstitch.outbox where aggregatetype like '%.command' and saga_id = $1`,
        [sagaId],
        (value) => value >= count,
      )
      const all = await commands(sagaId)
      expect(all).toHaveLength(count)
      return all.at(-1)!
    },
    reply: async (command, outcome, body, { id = newId(), saga = {} } = {}) => {
      await publish(replyTopic, [replyRecord(command, outcome, body, { id, saga })])
      return id
    },
    publish,
    ends: async (sagaId, status) => {
      await until<string>(
        'select status from backstitch.saga_instance where id = $1',
        [sagaId],
        (value) => value === status,
      )
      return createSagaOperator({ database: pool, sagas: [] }).show(sagaId)
    },
    until,
    count: async (table) => {
      const { rows } = await pool.query<{ n: number }>(
        `select count(*)::integer as n from backstitch.${table}`,
      )
      return rows[0]!.n
    },
  }
}

/** The record of an answer, as a participant’s outbox row looks on the topic. */
export function replyRecord(
  command: SentCommand,
  outcome: string,
  body: unknown,
  { id = newId(), saga = {} }: ReplyChanges = {},
): RawRecord {
  return {
    key: command.saga_id,
    value: body === null ? null : JSON.stringify(body),
    headers: {
      id,
      type: `${command.type}.reply`,
      version: '1',
      'created-at': String(Date.now() * 1_000),
      'causation-id': command.id,
      'saga-id': command.saga_id,
      'saga-name': 'place-order',
      'saga-step': command.saga_step,
      'saga-round': String(command.saga_round),
      'saga-direction': command.saga_direction,
      'saga-attempt': String(command.saga_attempt),
      outcome,
      ...saga,
    },
  }
}

/** Runs the work on one client in one transaction. */
export async function inTransaction<Result>(
  pool: Pool,
  work: (client: PoolClient) => Promise<Result>,
): Promise<Result> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    return result
  } catch (thrown) {
    await client.query('rollback')
    throw thrown
  } finally {
    client.release()
  }
}

function recordingLogger(log: LogLine[]): Logger {
  const write = (level: string) => (fields: object, message: string) =>
    void log.push({ level, message, fields: fields as Record<string, unknown> })
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => logger,
  }
  return logger
}
