import type { ProcessPart } from '../kernel/lifecycle.ts'
import { replyAggregateType, startAggregateType, topicOf } from '../message/topic.ts'
import { pgDatabase } from '../postgres/pg-database.ts'
import { pgSagaStore } from '../postgres/saga/pg-saga-store.ts'
import { sagaPool } from '../postgres/saga/saga-pool.ts'
import type { SagaDefinition } from '../saga/definition/saga-definition.ts'
import { advance, startSaga } from '../saga/machine/saga-machine.ts'
import { sagaOrchestrator } from '../saga/orchestrator/saga-orchestrator.ts'
import { assertCount, type GroupOptions, groupParts } from './group-options.ts'

/** What {@link createOrchestrator} takes. */
export type OrchestratorOptions = Omit<
  GroupOptions,
  'database' | 'retry' | 'handlerTimeoutMs' | 'blockedMsMax' | 'killsMax' | 'traceContext' | 'concurrencyMax'
> & {
  /** The database of the sagas. The orchestrator connects like this pool, with connections of its own, and leaves the pool alone. */
  readonly database: GroupOptions['database']
  /** The sagas that it drives, in all versions of which instances may still run. */
  readonly sagas: readonly SagaDefinition[]
  /** Names the consumer group and the topics, and must be the one that the sagas name. Default `orchestrator`. */
  readonly name?: string
  /** Partitions handled at the same time, each on a connection of its own. Default 4. */
  readonly partitionsConcurrentMax?: number
  /** Records that one transaction takes at most. More make fewer, longer transactions. Default 250. */
  readonly batchSizeMax?: number
  /** How late a timer may fire that another process has armed. Default 500 ms. */
  readonly timerPauseMaxMs?: number
  /** How often it looks for messages that were set aside for a definition that it has. Default 10,000 ms, and when it starts. */
  readonly setAsideIntervalMs?: number
  /** How long one transaction may take; what a frozen process has locked is free 5 s later. Default 10,000 ms. */
  readonly transactionMsMax?: number
  /** Called after each commit that wrote commands to the outbox: `() => relay.wake()` where a relay runs in the same process. */
  readonly onCommandsWritten?: () => void
}

/**
 * Makes an orchestrator: it consumes the replies to its sagas’ commands and the requests to start sagas, fires their timers, and writes
 * the commands that follow to the outbox. Any number of them may run with one name; they share the partitions.
 *
 * Replies are applied in batches: one transaction of five statements, in three round trips where the connection is pipelined, whatever the
 * number of sagas in it. A message that cannot be applied parks its saga or becomes a dead letter, and never holds up a partition. While
 * the database cannot be reached the partitions wait.
 *
 * A message for a version of a saga that this process does not have is set aside in the database, and taken up by an orchestrator that
 * has it: old and new ones may run side by side during a deployment.
 *
 * The database needs the tables `outbox`, `inbox`, `saga` and `timer`.
 *
 * @throws `CONFIG_INVALID`; `start` rejects with `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER` or `DATABASE_REFUSED`
 * @example
 * const orchestrator = createOrchestrator({ database, transport, sagas: [placeOrder] })
 * await orchestrator.start()
 */
export function createOrchestrator(options: OrchestratorOptions): ProcessPart {
  const { sagas, name = 'orchestrator', partitionsConcurrentMax = 4, ...rest } = options
  assertCount('partitionsConcurrentMax', partitionsConcurrentMax)
  const { schema, reading, around } = groupParts(rest, {
    group: name,
    kind: 'orchestrator',
    topics: (topicPrefix) =>
      [replyAggregateType(name), startAggregateType(name)].map((type) => topicOf(type, topicPrefix)),
    parts: ['outbox', 'inbox', 'saga', 'timer'],
    logFields: { orchestrator: name },
    partitionsConcurrentMax,
  })
  // One connection for each partition, one for the timers, one for what was set aside.
  const pool = sagaPool(options.database, partitionsConcurrentMax + 2)
  const part = sagaOrchestrator({
    ...around,
    name,
    sagas,
    database: pgDatabase(pool),
    store: pgSagaStore(schema, name),
    machine: { startSaga, advance },
    encoding: { codec: reading.codec, limits: reading.limits },
    batchSizeMax: assertCount('batchSizeMax', options.batchSizeMax ?? 250),
    timerPauseMaxMs: assertCount('timerPauseMaxMs', options.timerPauseMaxMs ?? 500),
    setAsideIntervalMs: assertCount('setAsideIntervalMs', options.setAsideIntervalMs ?? 10_000),
    transactionMsMax: assertCount('transactionMsMax', options.transactionMsMax ?? 10_000),
    onCommandsWritten: options.onCommandsWritten ?? (() => undefined),
  })
  let ended: Promise<void> | undefined
  return {
    ...part,
    stop: async () => {
      await part.stop()
      await (ended ??= pool.end())
    },
  }
}
