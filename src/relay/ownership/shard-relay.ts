import { type BackstitchError, isBackstitchError } from '../../kernel/errors.ts'
import type { Health } from '../../kernel/lifecycle.ts'
import type { Logger } from '../../kernel/logger.ts'
import { OwnerTenure } from '../owner-tenure.ts'
import { PollPace } from '../poll-pace.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'
import type { RelayDatabase, RelaySession } from '../relay-database.ts'
import type { ResolvedRelayOptions } from '../relay-options.ts'
import { ReadingReach } from '../source/reading-reach.ts'
import { type RelayInstruments, relayInstruments } from '../telemetry/relay-metrics.ts'
import { SignsOfLife } from '../telemetry/signs-of-life.ts'
import type { Announcements } from '../wake/announcements.ts'
import { assertServes } from './assert-serves.ts'
import type { Shard } from './shard.ts'
import { isStopDeadline, type Troubles } from './troubles.ts'

/** What the relay of a shard needs. */
export type ShardRelayOptions = {
  readonly database: RelayDatabase
  readonly shard: Shard
  readonly options: ResolvedRelayOptions
  readonly lanes: PublisherLanes
  readonly troubles: Troubles
  readonly announcements: Announcements
  readonly logger: Logger
  /** Told when its health changes. `error`: why it fails. */
  onHealth(error?: unknown): void
}

/**
 * The relay of one shard: gets a session and the lease, publishes, and from the beginning again after whatever failure, with nothing kept in
 * memory. It ends when it is stopped, and when another relay has the shard.
 */
export class ShardRelay {
  readonly #it: ShardRelayOptions
  readonly #name: string
  readonly #pace: PollPace
  readonly #reach: ReadingReach
  readonly #stop = new AbortController()
  readonly #logger: Logger
  readonly #instruments: RelayInstruments
  readonly #signs: SignsOfLife
  #tenure: OwnerTenure | undefined
  #health: Health = { state: 'starting' }
  #published = 0
  #leapTo = 0n

  constructor(it: ShardRelayOptions) {
    const { shard, options, logger } = it
    this.#it = it
    this.#name = `shard ${shard.number}`
    this.#pace = new PollPace(options.pace, it.announcements)
    this.#reach = new ReadingReach(options.pageRows, shard.count)
    this.#instruments = relayInstruments(options.metrics, it.database.name, shard)
    this.#signs = new SignsOfLife(options.stalledAfterMs)
    this.#logger = shard.count === 1 ? logger : logger.child({ shard: shard.number })
  }

  get shard(): Shard {
    return this.#it.shard
  }

  get health(): Health {
    const stall = this.#health.state === 'running' ? this.#signs.stall(performance.now()) : undefined
    if (stall !== undefined) return { state: 'stalled', reason: stall }
    const trouble = this.isWorking ? this.#tenure?.trouble : undefined
    return trouble === undefined ? this.#health : { state: 'failing', reason: trouble }
  }

  /** Topics that have another number of partitions than they are written to with, for people. */
  get changedTopics(): readonly string[] {
    return this.#tenure?.changedTopics ?? []
  }

  /** Whether it publishes, be it with some rows held back. */
  get isWorking(): boolean {
    return this.#health.state === 'running'
  }

  /** Records acknowledged since the start. */
  get published(): number {
    return this.#published + (this.#tenure?.published ?? 0)
  }

  get parked(): OwnerTenure['parked'] {
    return this.#tenure?.parked ?? { keys: 0, topics: [], partitions: [] }
  }

  /** Whether it is giving its shard back. */
  get isStopping(): boolean {
    return this.#stop.signal.aborted
  }

  /** Looks at once. */
  wake(): void {
    this.#pace.wake()
  }

  /** Its checkpoints go on at this number at least. */
  leapTo(number: bigint): void {
    this.#leapTo = number
    this.#tenure?.leapTo(number)
  }

  /** Works until it is stopped or another relay has the shard. Never rejects. */
  async run(): Promise<void> {
    const { database, options, shard, troubles } = this.#it
    let isOver = false
    while (!isOver && !this.isStopping) {
      let session: RelaySession | undefined
      try {
        session = await database.connect({ ...options, shard, pageRows: this.#reach.pageRows })
        this.#instruments.sessions.add(1)
        isOver = await this.#serve(session)
      } catch (error) {
        if (isBackstitchError(error, 'OUTBOX_SHARDS_CHANGED')) isOver = true
        else if (isStopDeadline(error))
          this.#logger.warn({ code: error.code }, 'stopped before everything in hand was done')
        else await this.#failed(error)
      } finally {
        session?.close()
      }
    }
    troubles.forget(this.#name)
  }

  /** Finishes what is in hand and gives the shard back. */
  stop(): void {
    this.#stop.abort()
    this.#tenure?.stop()
  }

  /** Gives up what is in hand. */
  end(reason: BackstitchError): void {
    this.#tenure?.end(reason)
  }

  /** @returns whether there is nothing more to do here */
  async #serve(session: RelaySession): Promise<boolean> {
    const { options, database, lanes, troubles } = this.#it
    const { owner, leaseDurationMs, testSignals } = options
    const view = await session.view()
    this.#signs.begin(performance.now())
    assertServes(view, view.checkpoint, database.name)
    if (view.owner !== undefined && view.owner !== owner && view.remainingMs > 0) return true
    await testSignals.reach('relay.acquire.before')
    if (this.isStopping) return true
    const acquiredAtMs = performance.now()
    const checkpoint = await session.acquire(owner, leaseDurationMs)
    if (!checkpoint) return true
    await testSignals.reach('relay.acquire.after')
    if (view.checkpoint && view.checkpoint.timeline !== view.timeline)
      this.#logger.warn(
        { from: view.checkpoint.timeline, to: view.timeline },
        'the database was promoted since the last checkpoint',
      )
    this.#logger.info({ epoch: String(checkpoint.epoch), owner }, 'owns the outbox')
    const tenure = new OwnerTenure({
      ...options,
      database: database.name,
      session,
      checkpoint,
      acquiredAtMs,
      lanes,
      readingReach: this.#reach,
      pace: this.#pace,
      signals: testSignals,
      logger: this.#logger,
      instruments: this.#instruments,
      signs: this.#signs,
    })
    this.#tenure = tenure
    tenure.leapTo(this.#leapTo)
    if (this.isStopping) tenure.stop()
    this.#become({ state: 'running' })
    this.#instruments.acquired.add(1)
    this.#instruments.leaseHeld.set(1)
    // longer than any statement may take: a failure that each tenure meets would else look like a recovery each time
    const steady = setTimeout(() => {
      this.#reach.recover()
      troubles.over(this.#name)
    }, 2 * leaseDurationMs)
    try {
      await tenure.run()
      this.#logger.info({}, 'gave the outbox back')
    } catch (error) {
      if (!isBackstitchError(error, 'OUTBOX_LEASE_LOST')) throw error
      this.#logger.warn({ code: error.code }, 'lost the outbox to another relay')
      this.#instruments.lost.add(1)
    } finally {
      clearTimeout(steady)
      this.#published += tenure.published
      this.#tenure = undefined
      this.#instruments.leaseHeld.set(0)
      lanes.forgetTrouble()
    }
    return true
  }

  #become(health: Health, error?: unknown): void {
    this.#health = health
    this.#it.onHealth(error)
  }

  async #failed(error: unknown): Promise<void> {
    const { options, troubles } = this.#it
    const { reason, pauseMs } = troubles.note(this.#name, error)
    this.#become({ state: 'failing', reason }, error)
    await options.clock.pause(pauseMs, this.#stop.signal)
  }
}
