import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Database } from '../../kernel/database.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Health, ProcessPart } from '../../kernel/lifecycle.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { GroupInstruments } from '../../inbox/group-metrics.ts'
import { groupMember } from '../../inbox/group-member.ts'
import { recordTransactions } from '../../inbox/record-transaction.ts'
import { timerPoller } from '../../timer/timer-poller.ts'
import type { Subscriber } from '../../transport/subscriber.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { SagaStore } from '../saga-store.ts'
import type { SagaMachine } from '../transition/machine-port.ts'
import type { CommandEncoding } from '../transition/saga-writer.ts'
import { definitionRegistry } from '../transition/definition-registry.ts'
import { messageApplier } from './message-applier.ts'
import { orchestratorWorker } from './orchestrator-worker.ts'
import type { SagaWork } from './saga-work.ts'
import { setAsideDesk } from './set-aside-desk.ts'
import { timerDesk } from './timer-desk.ts'

/** What an orchestrator is made of. */
export type SagaOrchestratorOptions = {
  /** Its name, its consumer group, and the first word of its topics. */
  readonly name: string
  readonly sagas: readonly SagaDefinition[]
  readonly database: Database
  readonly store: SagaStore
  /** Looks whether the database answers and has the tables. */
  readonly checkDatabase: () => Promise<void>
  /** A new member of the group, on the topics of the orchestrator. */
  readonly subscriber: () => Subscriber
  readonly machine: SagaMachine
  readonly encoding: CommandEncoding
  readonly batchSizeMax: number
  readonly timerPauseMaxMs: number
  readonly setAsideIntervalMs: number
  /** For one transaction. */
  readonly transactionMsMax: number
  readonly stopDeadlineMs: number
  readonly onCommandsWritten: () => void
  readonly logger: Logger
  readonly signals: TestSignals
  readonly clock: Clock
  /** Default: nothing is measured. */
  readonly instruments?: GroupInstruments
}

const retryBackoff: BackoffPolicy = { initialMs: 200, maxMs: 5_000, factor: 2 }

/**
 * Makes an orchestrator: one member of its consumer group, with the timers of its sagas and the messages that were set aside for it. Any
 * number of them may run; they share the partitions and pass over each other’s sagas.
 *
 * @throws `CONFIG_INVALID`
 */
export function sagaOrchestrator(options: SagaOrchestratorOptions): ProcessPart {
  const { name: group, database, store, clock, logger, signals, stopDeadlineMs } = options
  const name = `orchestrator ${group}`
  const registry = definitionRegistry(options.sagas, group)
  const transactions = recordTransactions(database, {
    msMax: options.transactionMsMax,
    isolation: 'read committed',
  })
  const troubles = new Map<string, string>()

  /** The background tasks go on whatever happens: one line when one begins to fail, one when it works again. */
  const taskFailed = (task: string, failures: number, thrown: unknown): number => {
    const retryAfterMs = backoffMs(failures, retryBackoff, Math.random())
    const reason = reasonOf(thrown)
    const code = isBackstitchError(thrown) ? thrown.code : undefined
    const fields = { task, code, reason, retryAfterMs }
    // A conflict is gone at the next try, and a stop is no trouble.
    if (code === 'TRANSACTION_CONFLICT' || code === 'STOP_DEADLINE_PASSED')
      logger.debug(fields, 'a task is tried again')
    else {
      if (troubles.has(task)) logger.debug(fields, 'a task still waits')
      else logger.warn(fields, 'a task waits; it goes on by itself')
      troubles.set(task, reason)
    }
    return retryAfterMs
  }
  const taskWorks = (task: string): void => {
    if (troubles.delete(task)) logger.info({ task }, 'a task goes on')
  }

  const work: SagaWork = {
    group,
    store,
    transactions,
    registry,
    machine: options.machine,
    encoding: options.encoding,
    logger,
    signals,
    clock,
    ...(options.instruments && { instruments: options.instruments }),
    committed: ({ earliestTimerMs, hasCommands }) => {
      poller.expect(earliestTimerMs)
      if (hasCommands) options.onCommandsWritten()
    },
  }
  const fireTimers = timerDesk(work)
  const takeUpSetAside = setAsideDesk(work)
  let timerFailures = 0
  const poller = timerPoller(
    async () => {
      const poll = await fireTimers()
      timerFailures = 0
      taskWorks('timers')
      return poll
    },
    {
      pauseMaxMs: options.timerPauseMaxMs,
      clock,
      onFailure: (thrown) => taskFailed('timers', ++timerFailures, thrown),
    },
  )

  const minding = async (signal: AbortSignal): Promise<void> => {
    for (let failures = 0; !signal.aborted; ) {
      let pauseMs = options.setAsideIntervalMs
      try {
        await takeUpSetAside(signal)
        failures = 0
        taskWorks('messages set aside')
      } catch (thrown) {
        pauseMs = taskFailed('messages set aside', ++failures, thrown)
      }
      await clock.pause(pauseMs, signal)
    }
  }

  const register = async (): Promise<void> => {
    await options.checkDatabase()
    const edited = await transactions
      .run(async ({ tx }) => {
        const found = await store.register(tx, registry.rows)
        await signals.reach('orchestrator.register.before')
        return found
      })
      .catch((thrown: unknown) => {
        if (!store.isTooSlow(thrown)) throw thrown
        // A caller’s transaction that was the first to use a definition is still open. It ends some time, and the start is tried until then.
        const place = `${name}: the definitions of its sagas: ${reasonOf(thrown)}`
        throw new BackstitchError('TRANSACTION_CONFLICT', place, { cause: thrown })
      })
    await signals.reach('orchestrator.register.after')
    for (const { name: saga, version } of edited)
      logger.warn(
        { saga, version },
        'unfinished sagas were started with another form of this version; they go on with the steps of this one where it has theirs',
      )
  }

  const member = groupMember({
    name,
    checkDatabase: register,
    subscriber: options.subscriber,
    worker: orchestratorWorker(work, messageApplier(work), options.batchSizeMax),
    transactions,
    logger,
    clock,
    stopDeadlineMs,
  })
  const stopping = new AbortController()
  let tasks: Promise<unknown> = Promise.resolve()

  const stopTasks = async (): Promise<void> => {
    const deadline = new AbortController()
    const overdue = clock.pause(stopDeadlineMs, deadline.signal).then(() => {
      if (!deadline.signal.aborted)
        transactions.abort(new BackstitchError('STOP_DEADLINE_PASSED', `${name}: ${stopDeadlineMs} ms`))
    })
    await tasks
    deadline.abort()
    await overdue
  }

  const health = (): Health => {
    const state = member.health()
    const [trouble] = troubles
    return state.state === 'running' && trouble
      ? { state: 'failing', reason: `${trouble[0]}: ${trouble[1]}` }
      : state
  }

  return {
    name,
    start: async () => {
      await member.start()
      if (!stopping.signal.aborted)
        tasks = Promise.all([poller.run(stopping.signal), minding(stopping.signal)])
    },
    stop: async () => {
      stopping.abort()
      await Promise.all([member.stop(), stopTasks()])
    },
    health,
  }
}
