import { type ErrorCode, errorCatalogue } from '../kernel/error-catalogue.ts'
import { BackstitchError, isBackstitchError } from '../kernel/errors.ts'
import type { Health } from '../kernel/lifecycle.ts'
import type { Logger } from '../kernel/logger.ts'
import { assertServes } from './ownership/assert-serves.ts'
import { noShares, share } from './ownership/share-machine.ts'
import { Announcements } from './wake/announcements.ts'
import type { WakeListener } from './wake/wake-listener.ts'
import { ShardRelay } from './ownership/shard-relay.ts'
import type { OutboxView, StewardSession } from './ownership/steward-session.ts'
import { Troubles } from './ownership/troubles.ts'
import { SignsOfLife } from './telemetry/signs-of-life.ts'
import type { PublisherLanes } from './publishing/publisher-lanes.ts'
import type { RelayDatabase } from './relay-database.ts'
import type { ResolvedRelayOptions } from './relay-options.ts'

/** The steward looks at the leases so often while it wants more than it has, so that what is given back is taken at once. */
const wantingEveryMs = 200
/** And so often when it has its share: a newcomer waits for no longer than that. */
const contentEveryMs = 500
/** Whoever a free shard is meant for has looked by then, and has opened its session. */
const strandedAfterMsLeast = 1_500
/** Checkpoints of a slot of their table: shards whose numbers are in different slots keep one another’s from being truncated. */
const slotSize = 4_096n

/** As the first thing that is found, these end the start. */
const misconfigured: ReadonlySet<ErrorCode> = new Set([
  'CONFIG_INVALID',
  'DATABASE_REFUSED',
  'OUTBOX_SHARDS_CHANGED',
  'SCHEMA_MISSING',
  'SCHEMA_NEWER',
  'SCHEMA_OUTDATED',
])

/**
 * The relay of one database. Its steward looks at who owns which shard of the outbox, takes a fair share of them, and gives back what is more
 * than that when another relay comes; each shard is worked on by itself. Without a fair share it stands by.
 */
export class DatabaseRelay {
  readonly #database: RelayDatabase
  readonly #options: ResolvedRelayOptions
  readonly #lanes: PublisherLanes
  readonly #logger: Logger
  readonly #troubles: Troubles
  /** Of the steward. */
  readonly #signs: SignsOfLife
  readonly #stop = new AbortController()
  readonly #firstState = Promise.withResolvers<void>()
  readonly #shards = new Map<number, { readonly relay: ShardRelay; readonly run: Promise<void> }>()
  readonly #startAt = Math.random()
  readonly #announcements = new Announcements()
  #listener: WakeListener | undefined
  #work: Promise<void> = Promise.resolve()
  #shares = noShares
  /** Of the steward alone. */
  #stewardHealth: Health = { state: 'starting' }
  #publishedBefore = 0

  constructor(database: RelayDatabase, lanes: PublisherLanes, options: ResolvedRelayOptions) {
    this.#database = database
    this.#options = options
    this.#lanes = lanes
    this.#logger = options.logger.child({ database: database.name })
    this.#troubles = new Troubles(database.name, this.#logger, options.metrics)
    this.#signs = new SignsOfLife(options.stalledAfterMs)
  }

  get name(): string {
    return this.#database.name
  }

  /** A shard or a steward that fails comes before all that work; without any shard the steward says how it is. */
  get health(): Health {
    if (this.#stewardHealth.state === 'stopped') return this.#stewardHealth
    const healths = this.#relays.map(({ health }) => health)
    for (const state of ['stalled', 'failing'] as const) {
      const found = healths.find((health) => health.state === state)
      if (found) return found
    }
    // its shards may work on, but none is taken, given back, or found to be changed
    if (this.#stewardHealth.state === 'failing') return this.#stewardHealth
    const stall = this.#stewardHealth.state === 'standby' ? this.#signs.stall(performance.now()) : undefined
    if (stall !== undefined) return { state: 'stalled', reason: stall }
    if (healths.some(({ state }) => state === 'running')) {
      const [changed] = this.changedTopics
      return changed === undefined ? { state: 'running' } : { state: 'running', reason: changed }
    }
    return healths.length > 0 && this.#stewardHealth.state === 'standby'
      ? { state: 'starting' }
      : this.#stewardHealth
  }

  /** Records acknowledged since the start. */
  get published(): number {
    return this.#relays.reduce((sum, { published }) => sum + published, this.#publishedBefore)
  }

  /** Topics that have another number of partitions than they are written to with, for people. */
  get changedTopics(): readonly string[] {
    return [...new Set(this.#relays.flatMap(({ changedTopics }) => changedTopics))]
  }

  get parked(): ShardRelay['parked'] {
    const parked = this.#relays.map((relay) => relay.parked)
    return {
      keys: parked.reduce((sum, { keys }) => sum + keys, 0),
      topics: [...new Set(parked.flatMap(({ topics }) => topics))],
      partitions: [...new Set(parked.flatMap(({ partitions }) => partitions))],
    }
  }

  /** Numbers of the shards that it works on, in order. */
  get shards(): readonly number[] {
    return [...this.#shards]
      .flatMap(([shard, { relay }]) => (relay.isWorking ? shard : []))
      .toSorted((a, b) => a - b)
  }

  /**
   * Resolves once it publishes, stands by, or has found something that a person has to see to.
   * @throws `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER`, `DATABASE_REFUSED`, `CONFIG_INVALID`, `OUTBOX_SHARDS_CHANGED` when that is the
   *   first thing it finds
   */
  start(): Promise<void> {
    this.#work = this.#run()
    if (this.#options.listen) this.#listen()
    return this.#firstState.promise
  }

  /** Looks at once. */
  wake(): void {
    this.#announcements.heard()
    for (const relay of this.#relays) relay.wake()
  }

  /** Finishes what is in hand and gives the leases back, within the deadline. Never rejects. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#listener?.close()
    for (const relay of this.#relays) relay.stop()
    const deadline = setTimeout(() => {
      for (const relay of this.#relays)
        relay.end(new BackstitchError('STOP_DEADLINE_PASSED', `relay of ${this.name}`))
    }, this.#options.stopDeadlineMs)
    await this.#work
    clearTimeout(deadline)
    this.#firstState.resolve()
  }

  /** Writers that announce their commits are heard, if that works here; it only shortens pauses. */
  #listen(): void {
    let known: boolean | undefined
    this.#listener = this.#database.listen?.({
      onWake: () => this.wake(),
      onState: (isListening, reason) => {
        this.#announcements.isListening = isListening
        if (known === isListening) return
        known = isListening
        if (isListening) this.#logger.debug({}, 'announcements of writers arrive')
        else
          this.#logger.info(
            { reason },
            'announcements of writers do not arrive here: the outbox is looked at by the clock',
          )
      },
    })
  }

  get #relays(): readonly ShardRelay[] {
    return [...this.#shards.values()].map(({ relay }) => relay)
  }

  async #run(): Promise<void> {
    const { clock, leaseDurationMs } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      let steward: StewardSession | undefined
      try {
        steward = await this.#database.steward(this.#options)
        const sinceMs = performance.now()
        while (!signal.aborted) {
          const view = await steward.look()
          if (signal.aborted) break
          const pauseMs = this.#tend(view)
          if (performance.now() - sinceMs > 2 * leaseDurationMs) this.#troubles.over('steward')
          await clock.pause(pauseMs, signal)
        }
      } catch (error) {
        const { reason, pauseMs } = this.#troubles.note('steward', error)
        this.#stewardHealth = { state: 'failing', reason }
        this.#tellFirstState(error)
        await clock.pause(pauseMs, signal)
      } finally {
        steward?.close()
      }
    }
    await Promise.all([...this.#shards.values()].map(({ run }) => run))
    this.#stewardHealth = { state: 'stopped' }
  }

  /** Takes and gives back what a look at the leases says. @returns when to look again, in milliseconds */
  #tend(view: OutboxView): number {
    this.#signs.begin(performance.now())
    this.#assertServes(view)
    const { owner, leaseDurationMs } = this.#options
    const inForce = view.shards.filter((lease) => lease.owner !== undefined && lease.remainingMs > 0)
    const owners = new Map(inForce.map((lease) => [lease.shard, lease.owner]))
    const working = new Set<number>()
    const givingBack = new Set<number>()
    for (const [shard, { relay }] of this.#shards) {
      if (relay.shard.count !== view.shardCount) relay.stop()
      ;(relay.isStopping ? givingBack : working).add(shard)
    }
    const { state, decision } = share(this.#shares, {
      nowMs: performance.now(),
      owner,
      relays: view.relays,
      shards: view.shards.map(({ shard }) => ({ shard, owner: owners.get(shard) })),
      working,
      givingBack,
      strandedAfterMs: Math.max(leaseDurationMs, strandedAfterMsLeast),
      startAt: Math.floor(this.#startAt * view.shardCount),
    })
    this.#shares = state
    for (const shard of decision.take) this.#take(shard, view.shardCount)
    for (const shard of decision.giveBack) this.#shards.get(shard)?.relay.stop()
    this.#leap(view)
    const other = inForce.find((lease) => lease.owner !== owner)?.owner
    this.#stewardHealth = {
      state: 'standby',
      ...(other !== undefined && {
        reason: view.shardCount === 1 ? `${other} owns the outbox` : 'other relays own the outbox',
      }),
    }
    if (this.#shards.size === 0) this.#tellFirstState()
    const isContent = this.#shards.size > 0 && inForce.length === view.shards.length
    const endsMs = inForce.filter((lease) => lease.owner !== owner).map(({ remainingMs }) => remainingMs + 5)
    return isContent ? contentEveryMs : Math.min(wantingEveryMs, ...endsMs)
  }

  #take(shard: number, count: number): void {
    const relay = new ShardRelay({
      database: this.#database,
      shard: { number: shard, count },
      options: this.#options,
      lanes: this.#lanes,
      troubles: this.#troubles,
      announcements: this.#announcements,
      logger: this.#logger,
      onHealth: (error) => this.#tellFirstState(error),
    })
    const run = relay.run().then(() => {
      this.#publishedBefore += relay.published
      this.#shards.delete(shard)
    })
    this.#shards.set(shard, { relay, run })
  }

  /** Shards that save seldom follow those that save often into the next slot. */
  #leap({ shards }: OutboxView): void {
    if (shards.length === 1) return
    const turnOf = (number: bigint): bigint => number / slotSize
    const numbers = shards.map(({ checkpoint }) => checkpoint?.number ?? 0n)
    const turn = numbers.reduce((most, number) => (turnOf(number) > most ? turnOf(number) : most), 0n)
    for (const { shard, checkpoint } of shards)
      if (checkpoint && turnOf(checkpoint.number) < turn)
        this.#shards.get(shard)?.relay.leapTo(turn * slotSize)
  }

  #assertServes(view: OutboxView): void {
    for (const { checkpoint } of view.shards) assertServes(view, checkpoint, this.name)
    const { shardCount, settledCount } = view
    const { shards: expected } = this.#database
    if (shardCount !== settledCount)
      throw new BackstitchError(
        'OUTBOX_SHARDS_CHANGED',
        `${this.name}: ${shardCount} by hand, the checkpoints know ${settledCount}`,
      )
    if (expected !== undefined && expected !== shardCount)
      throw new BackstitchError(
        'OUTBOX_SHARDS_CHANGED',
        `${this.name}: it has ${shardCount}, the configuration says ${expected}`,
      )
  }

  /** The start is over once there is something to tell. */
  #tellFirstState(error?: unknown): void {
    const { state } = this.health
    const code = isBackstitchError(error) ? error.code : undefined
    if (code !== undefined && misconfigured.has(code)) this.#firstState.reject(error)
    else if (state === 'running' || state === 'standby') this.#firstState.resolve()
    else if (code !== undefined && !errorCatalogue[code].retriable) this.#firstState.resolve()
  }
}
