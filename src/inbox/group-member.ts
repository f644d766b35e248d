import { type BackoffPolicy, backoffMs } from '../kernel/backoff.ts'
import type { Clock } from '../kernel/clock.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import type { Health, ProcessPart } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import type { Subscriber } from '../transport/subscriber.ts'
import type { GroupWorker } from './group-worker.ts'
import type { RecordTransactions } from './record-transaction.ts'

/** What a group member is made of. */
export type GroupMemberOptions = {
  /** `consumer billing` */
  readonly name: string
  /** Looks whether the database answers and has the tables. */
  readonly checkDatabase: () => Promise<void>
  readonly subscriber: () => Subscriber
  readonly worker: GroupWorker
  readonly transactions: RecordTransactions
  readonly logger: Logger
  readonly clock: Clock
  /** How long `stop` lets the messages in hand finish. */
  readonly stopDeadlineMs: number
}

const retryBackoff: BackoffPolicy = { initialMs: 200, maxMs: 5_000, factor: 2 }

/**
 * Makes the process part of a group member: it waits for its servers, reads, and lets go in order.
 *
 * `start` rejects where waiting cannot help (`SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER`, `DATABASE_REFUSED`, …). It resolves when
 * `stop` is called before the servers answered.
 */
export function groupMember(options: GroupMemberOptions): ProcessPart {
  const { name, worker, transactions, logger, clock, stopDeadlineMs } = options
  const stopping = new AbortController()
  let phase: 'starting' | 'running' | 'stopped' = 'starting'
  let waitsFor: string | undefined
  let subscriber: Subscriber | undefined
  let started: Promise<void> | undefined
  let stopped: Promise<void> | undefined

  /** Tries until it succeeds, with one line when it begins to wait and one when the wait is over. */
  const untilAnswers = async (server: string, attempt: () => Promise<void>): Promise<void> => {
    for (let failures = 1; !stopping.signal.aborted; failures++) {
      try {
        await attempt()
        if (waitsFor !== undefined) logger.info({ server }, 'the server answers')
        waitsFor = undefined
        return
      } catch (thrown) {
        const isNew = waitsFor === undefined
        waitsFor = `${server}: ${reasonOf(thrown)}`
        if (!isBackstitchError(thrown) || !thrown.retriable) throw thrown
        const fields = { server, code: thrown.code, reason: reasonOf(thrown) }
        if (isNew) logger.warn(fields, 'waits for a server, and starts by itself once it answers')
        else logger.debug(fields, 'still waits for a server')
        await clock.pause(backoffMs(failures, retryBackoff, Math.random()), stopping.signal)
      }
    }
  }

  const subscribe = async (): Promise<void> => {
    // A subscriber that could not run is of no further use.
    const next = options.subscriber()
    subscriber = next
    try {
      await next.run(worker)
    } catch (thrown) {
      await next.stop()
      throw thrown
    }
  }

  const start = async (): Promise<void> => {
    await untilAnswers('database', options.checkDatabase)
    await untilAnswers('Kafka', subscribe)
    if (stopping.signal.aborted) return
    phase = 'running'
    logger.info({}, 'reads')
  }

  const stop = async (): Promise<void> => {
    stopping.abort()
    const deadline = setTimeout(() => {
      const reason = new BackstitchError('STOP_DEADLINE_PASSED', `${name}: ${stopDeadlineMs} ms`)
      logger.warn(
        { code: reason.code },
        'a message in hand takes too long; it is rolled back and handled by the next owner',
      )
      transactions.abort(reason)
    }, stopDeadlineMs)
    try {
      // The cut transactions still have to say goodbye within the subscriber’s own grace.
      await subscriber?.stop({ graceMs: stopDeadlineMs + 1_000 })
    } finally {
      clearTimeout(deadline)
      phase = 'stopped'
    }
    logger.info({}, 'stopped')
  }

  const health = (): Health => {
    if (phase === 'stopped') return { state: 'stopped' }
    if (phase === 'starting')
      return waitsFor === undefined ? { state: 'starting' } : { state: 'failing', reason: waitsFor }
    const trouble = worker.trouble(subscriber?.assignment() ?? [])
    return trouble === undefined ? { state: 'running' } : { state: 'failing', reason: trouble }
  }

  return {
    name,
    start: () => (started ??= untilStopped(start(), stopping.signal)),
    stop: () => (stopped ??= stop()),
    health,
  }
}

/** A start that waits, for a topic perhaps, does not outlive the stop. */
function untilStopped(starting: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
    starting.then(resolve, reject)
  })
}
