import { backoffMs } from '../kernel/backoff.ts'
import type { ErrorCode } from '../kernel/error-catalogue.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../kernel/errors.ts'
import type { Health } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import type { LeaseView } from './lease/checkpoint.ts'
import { OwnerTenure } from './owner-tenure.ts'
import { PollPace } from './poll-pace.ts'
import type { PublisherLanes } from './publishing/publisher-lanes.ts'
import type { RelayDatabase, RelaySession } from './relay-database.ts'
import type { ResolvedRelayOptions } from './relay-options.ts'
import { parseSnapshot } from './source/snapshot.ts'
import { type RelayInstruments, relayFailures, relayInstruments } from './telemetry/relay-metrics.ts'
import { SignsOfLife } from './telemetry/signs-of-life.ts'

/** A standby looks at the lease so often, so that one that is given back is taken at once. */
const standbyEveryMs = 200

/** A failure that a person has to see to is tried again so often: it may have been seen to. */
const permanentFailurePauseMs = 5_000

/** As the first thing that is found, these end the start. */
const misconfigured: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_INVALID',
  'DATABASE_REFUSED',
  'SCHEMA_MISSING',
  'SCHEMA_NEWER',
  'SCHEMA_OUTDATED',
])

/**
 * The relay of one database: gets a session, stands by until it has the lease, publishes until it loses it; and from the beginning again
 * after whatever failure, with nothing kept in memory.
 */
export class DatabaseRelay {
  readonly #database: RelayDatabase
  readonly #options: ResolvedRelayOptions
  readonly #lanes: PublisherLanes
  readonly #logger: Logger
  readonly #pace: PollPace
  readonly #instruments: RelayInstruments
  readonly #signs: SignsOfLife
  readonly #stop = new AbortController()
  readonly #firstState = Promise.withResolvers<void>()
  #work: Promise<void> = Promise.resolve()
  #tenure: OwnerTenure | undefined
  #health: Health = { state: 'starting' }
  #failures = 0
  #published = 0

  constructor(database: RelayDatabase, lanes: PublisherLanes, options: ResolvedRelayOptions) {
    this.#database = database
    this.#options = options
    this.#lanes = lanes
    this.#logger = options.logger.child({ database: database.name })
    this.#pace = new PollPace(options.pace)
    this.#instruments = relayInstruments(options.metrics, database.name)
    this.#signs = new SignsOfLife(options.stalledAfterMs)
  }

  get name(): string {
    return this.#database.name
  }

  get health(): Health {
    const { state } = this.#health
    const stall =
      state === 'running' || state === 'standby' ? this.#signs.stall(performance.now()) : undefined
    if (stall !== undefined) return { state: 'stalled', reason: stall }
    return this.#health
  }

  /** Records acknowledged since the start. */
  get published(): number {
    return this.#published + (this.#tenure?.published ?? 0)
  }

  get parked(): OwnerTenure['parked'] {
    return this.#tenure?.parked ?? { keys: 0, topics: [] }
  }

  /**
   * Resolves once it publishes, stands by, or has found something that a person has to see to.
   * @throws `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER`, `DATABASE_REFUSED`, `CONFIG_INVALID` when that is the first thing it finds
   */
  start(): Promise<void> {
    this.#work = this.#run()
    return this.#firstState.promise
  }

  /** Looks at once. */
  wake(): void {
    this.#pace.wake()
  }

  /** Finishes what is in hand and gives the lease back, within the deadline. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#tenure?.stop()
    const deadline = setTimeout(
      () => this.#tenure?.end(new BackstitchError('STOP_DEADLINE_PASSED', `relay of ${this.name}`)),
      this.#options.stopDeadlineMs,
    )
    await this.#work
    clearTimeout(deadline)
    this.#firstState.resolve()
  }

  async #run(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      let session: RelaySession | undefined
      try {
        session = await this.#database.connect(this.#options)
        this.#instruments.sessions.add(1)
        while (!this.#stop.signal.aborted) await this.#serve(session)
      } catch (error) {
        await this.#failed(error)
      } finally {
        session?.close()
      }
    }
    this.#health = { state: 'stopped' }
  }

  /** Stands by until the lease is free, then owns the outbox. Comes back when the lease was lost or given back. */
  async #serve(session: RelaySession): Promise<void> {
    const { owner, leaseDurationMs, clock, testSignals } = this.#options
    const view = await session.view()
    this.#signs.begin(performance.now())
    this.#assertServes(view)
    if (view.owner !== undefined && view.owner !== owner && view.remainingMs > 0) {
      this.#become({ state: 'standby', reason: `${view.owner} owns the outbox` })
      await clock.pause(Math.min(standbyEveryMs, view.remainingMs + 5), this.#stop.signal)
      return
    }
    await testSignals.reach('relay.acquire.before')
    const acquiredAtMs = performance.now()
    const checkpoint = await session.acquire(owner, leaseDurationMs)
    if (!checkpoint) return
    await testSignals.reach('relay.acquire.after')
    if (view.checkpoint && view.checkpoint.timeline !== view.timeline)
      this.#logger.warn(
        { from: view.checkpoint.timeline, to: view.timeline },
        'the database was promoted since the last checkpoint',
      )
    this.#logger.info({ epoch: String(checkpoint.epoch), owner }, 'owns the outbox')
    const tenure = new OwnerTenure({
      ...this.#options,
      database: this.name,
      session,
      checkpoint,
      acquiredAtMs,
      lanes: this.#lanes,
      pace: this.#pace,
      signals: testSignals,
      logger: this.#logger,
      instruments: this.#instruments,
      signs: this.#signs,
    })
    this.#tenure = tenure
    if (this.#stop.signal.aborted) tenure.stop()
    this.#become({ state: 'running' })
    this.#instruments.acquired.add(1)
    this.#instruments.leaseHeld.set(1)
    try {
      await tenure.run()
      this.#logger.info({}, 'gave the outbox back')
    } catch (error) {
      if (!isBackstitchError(error, 'OUTBOX_LEASE_LOST')) throw error
      this.#logger.warn({ code: error.code }, 'lost the outbox to another relay')
      this.#instruments.lost.add(1)
    } finally {
      this.#published += tenure.published
      this.#tenure = undefined
      this.#instruments.leaseHeld.set(0)
      this.#lanes.forgetTrouble()
    }
  }

  /** Refuses a server from which nothing may be read, and a checkpoint that says nothing about this one. */
  #assertServes({ inRecovery, systemIdentifier, checkpoint, snapshot }: LeaseView): void {
    if (inRecovery) throw new BackstitchError('DATABASE_IS_STANDBY', this.name)
    if (!checkpoint) return
    if (checkpoint.systemIdentifier !== systemIdentifier)
      throw new BackstitchError(
        'OUTBOX_CHECKPOINT_FOREIGN',
        `${this.name}: saved in ${checkpoint.systemIdentifier}, this is ${systemIdentifier}`,
      )
    const { xmax } = parseSnapshot(snapshot)
    const saved = parseSnapshot(checkpoint.cursor.current ?? checkpoint.cursor.previous)
    if (saved.xmax > xmax)
      throw new BackstitchError(
        'OUTBOX_CHECKPOINT_AHEAD',
        `${this.name}: ${saved.text} is saved, it is at ${snapshot}`,
      )
  }

  #become(health: Health): void {
    if (this.#failures > 0) this.#logger.info({}, 'works again')
    this.#failures = 0
    this.#health = health
    this.#firstState.resolve()
  }

  async #failed(error: unknown): Promise<void> {
    const { clock } = this.#options
    const code = isBackstitchError(error) ? error.code : undefined
    const permanent = isBackstitchError(error) && !error.retriable
    const reason = reasonOf(error)
    const known = this.#health.state === 'failing' && this.#health.reason === reason
    if (code === 'STOP_DEADLINE_PASSED')
      this.#logger.warn({ code }, 'stopped before everything in hand was done')
    else if (!known) this.#logger[permanent ? 'error' : 'warn']({ code, reason }, messageOf(code))
    this.#failures++
    this.#options.metrics
      .counter(relayFailures, { database: this.name, code: code ?? 'UNEXPECTED' })
      .add(code === 'STOP_DEADLINE_PASSED' ? 0 : 1)
    this.#health = { state: 'failing', reason }
    if (code !== undefined && misconfigured.has(code)) this.#firstState.reject(error)
    else if (permanent) this.#firstState.resolve()
    const pauseMs = permanent ? permanentFailurePauseMs : backoffMs(this.#failures, undefined, Math.random())
    await clock.pause(pauseMs, this.#stop.signal)
  }
}

function messageOf(code: string | undefined): string {
  if (code === 'DATABASE_UNREACHABLE') return 'waiting for the database: it does not answer'
  if (code === 'DATABASE_IS_STANDBY') return 'waiting for a primary: this database is a standby'
  return 'the relay of this database failed and begins again'
}
