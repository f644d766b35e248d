import type { Clock } from '../kernel/clock.ts'
import { BackstitchError, isBackstitchError } from '../kernel/errors.ts'
import type { Logger } from '../kernel/logger.ts'
import type { TestSignals } from '../kernel/test-signals.ts'
import { DeferredRelease } from './deferred/deferred-release.ts'
import type { Checkpoint } from './lease/checkpoint.ts'
import { CheckpointKeeper, saveAfterRows } from './lease/checkpoint-keeper.ts'
import type { PollPace } from './poll-pace.ts'
import { PageDelivery } from './publishing/page-delivery.ts'
import type { PublishScope } from './publishing/publish-scope.ts'
import type { PublisherLanes } from './publishing/publisher-lanes.ts'
import { TenureEnded } from './publishing/tenure-ended.ts'
import { TopicWatch } from './publishing/topic-watch.ts'
import { TopicDirectory } from './publishing/topic-directory.ts'
import { HeldPartitions } from './quarantine/held-partitions.ts'
import { Parked } from './quarantine/parked.ts'
import { QuarantineDrain } from './quarantine/quarantine-drain.ts'
import { QuarantineRoom } from './quarantine/quarantine-room.ts'
import type { ParkedRow } from './quarantine/quarantine-session.ts'
import type { RelaySession } from './relay-database.ts'
import type { ReadingReach } from './source/reading-reach.ts'
import type { KafkaTransport } from '../transport/transport.ts'
import { Replayer } from './replay/replayer.ts'
import { BacklogGauge } from './telemetry/backlog-gauge.ts'
import type { RelayInstruments } from './telemetry/relay-metrics.ts'
import type { SignsOfLife } from './telemetry/signs-of-life.ts'
import { parseSnapshot } from './source/snapshot.ts'
import type { OutboxTuple } from './source/outbox-tuple.ts'
import type { Page, PageRead } from './source/source-session.ts'
import {
  afterSequence,
  afterWindow,
  cursorOf,
  endOfPage,
  movedTo,
  openWindow,
  pageAfter,
} from './source/window-machine.ts'
import { untilOnDisk } from './source/until-on-disk.ts'
import { Upkeep } from './upkeep/upkeep.ts'

/** Pages of a large window under way at once: the lanes then never wait for the slowest of them. */
const pagesAtOnce = 2
/** Between two looks whether a full quarantine has room again. */
const fullPauseMs = 100

/** What a tenure needs. */
export type OwnerTenureOptions = {
  readonly database: string
  readonly session: RelaySession
  readonly checkpoint: Checkpoint
  /** When the lease was asked for, by `performance.now()`. */
  readonly acquiredAtMs: number
  readonly owner: string
  readonly leaseDurationMs: number
  readonly quarantineRowsMax: number
  readonly topicPrefix: string
  readonly sequenceHeader: boolean
  readonly lanes: PublisherLanes
  readonly transport: KafkaTransport
  /** How far a statement reads. */
  readonly readingReach: ReadingReach
  readonly pace: PollPace
  readonly clock: Clock
  readonly signals: TestSignals
  readonly logger: Logger
  readonly instruments: RelayInstruments
  readonly signs: SignsOfLife
}

/**
 * One tenure of an outbox, from getting its lease to losing it or giving it back: looks at the outbox, publishes what has become visible,
 * saves how far it is. All that it knows came from the checkpoint and its one session, and ends with it.
 */
export class OwnerTenure {
  readonly #options: OwnerTenureOptions
  readonly #keeper: CheckpointKeeper
  readonly #parked = new Parked()
  readonly #delivery: PageDelivery
  readonly #drain: QuarantineDrain
  readonly #held: HeldPartitions
  readonly #topics: TopicDirectory
  readonly #topicWatch: TopicWatch
  readonly #room: QuarantineRoom
  readonly #upkeep: Upkeep
  readonly #backlog: BacklogGauge
  readonly #deferred: DeferredRelease
  readonly #replayer: Replayer
  readonly #ended = new AbortController()
  #endedBy: unknown
  #stopping = false

  constructor(options: OwnerTenureOptions) {
    this.#options = options
    const { session, checkpoint, lanes, signals, logger, instruments, signs } = options
    this.#keeper = new CheckpointKeeper(
      checkpoint,
      cursorOf(checkpoint.cursor, session.sequenceInOrder),
      options.acquiredAtMs,
      {
        ...options,
        sequenceInOrder: session.sequenceInOrder,
        onSaved: () => signs.note('saved', performance.now()),
        onQuarantine: (change) => this.#room.count(change),
        onFailure: (error) => this.end(error),
      },
    )
    const scope: PublishScope = {
      signal: this.#ended.signal,
      deadlineMs: () => this.#publishDeadlineMs(),
      heard: () => signs.note('published', performance.now()),
    }
    this.#topics = new TopicDirectory({ lanes, session, prefix: options.topicPrefix, scope, logger })
    const { sequenceHeader } = options
    const shared = {
      lanes,
      topics: this.#topics,
      sequenceHeader,
      parked: this.#parked,
      scope,
      signals,
      logger,
      instruments,
    }
    this.#held = new HeldPartitions({
      ...shared,
      session,
      keeper: this.#keeper,
      clock: options.clock,
      onFailure: (error) => this.end(error),
    })
    this.#room = new QuarantineRoom({
      session,
      rowsMax: options.quarantineRowsMax,
      signal: this.#ended.signal,
      clock: options.clock,
      logger,
    })
    this.#delivery = new PageDelivery({ ...shared, held: this.#held })
    this.#topicWatch = new TopicWatch({ ...shared, session, keeper: this.#keeper, held: this.#held })
    this.#drain = new QuarantineDrain({ ...shared, session, keeper: this.#keeper, held: this.#held })
    this.#upkeep = new Upkeep(session, this.#keeper, signals)
    this.#backlog = new BacklogGauge(session, this.#keeper, this.#parked, instruments)
    this.#replayer = new Replayer({
      ...shared,
      session: session.replays,
      keeper: this.#keeper,
      admin: () => options.transport.admin(),
    })
    this.#deferred = new DeferredRelease({
      ...options,
      epoch: checkpoint.epoch,
      onReleased: () => options.pace.wake(),
      onFailure: (error) => this.end(error),
    })
  }

  /** Records acknowledged in this tenure. */
  get published(): number {
    return this.#delivery.published
  }

  /** Keys, topics and partitions that are held back. */
  get parked(): {
    readonly keys: number
    readonly topics: readonly string[]
    readonly partitions: readonly string[]
  } {
    const { keyCount: keys, topics, partitions } = this.#parked
    return { keys, topics, partitions }
  }

  /** Topics that have another number of partitions than they are written to with, for people. */
  get changedTopics(): readonly string[] {
    return this.#topics.changes
  }

  /** What does not get through while the rest does. */
  get trouble(): string | undefined {
    const { trouble } = this.#held
    return this.#room.trouble ?? (trouble === undefined ? undefined : `Kafka: ${trouble}`)
  }

  /**
   * Works until it is stopped (resolves, the lease is given back) or fails.
   * @throws `OUTBOX_LEASE_LOST`, `OUTBOX_CHECKPOINT_AHEAD`, `DATABASE_IS_STANDBY`, `DATABASE_UNREACHABLE`, `DATABASE_FAILING`
   */
  async run(): Promise<void> {
    try {
      await this.#begin()
      while (!this.#stopping) await this.#step()
      await this.#options.signals.reach('relay.release.before')
      // with the lease what is let out at this moment would meet what the next owner sends, and could not be noted as sent
      await this.#held.apart(async () => {
        await this.#keeper.save(true)
        this.end(new TenureEnded())
      })
    } catch (error) {
      throw this.#endedBy ?? error
    } finally {
      this.end(new TenureEnded())
      // what is still on its way must not meet what the next tenure sends
      await Promise.all([
        this.#delivery.settled(),
        this.#held.settled(),
        this.#topicWatch.settled(),
        this.#room.settled(),
      ])
    }
  }

  /** Checkpoints go on at this number at least. */
  leapTo(number: bigint): void {
    this.#keeper.leapTo(number)
  }

  /** Finishes what is in hand, saves it, and gives the lease back. */
  stop(): void {
    this.#stopping = true
    this.#deferred.stop()
    this.#options.pace.wake()
  }

  /** Ends the tenure at once. */
  end(reason: unknown): void {
    this.#endedBy ??= reason
    this.#keeper.stop()
    this.#backlog.stop()
    this.#deferred.stop()
    this.#ended.abort()
  }

  async #begin(): Promise<void> {
    const { session } = this.#options
    this.#topics.resume(await session.readTopicPins())
    this.#delivery.passOver(await session.readSettled(this.#keeper.cursor.lowWater))
    const { keys, topics, partitions } = await session.readParked()
    for (const { topic, key } of keys) this.#parked.parkKey(topic, key)
    for (const topic of topics)
      this.#parked.parkTopic(topic, `the topic "${topic}" could not be written to before`)
    this.#drain.resume(keys)
    this.#held.resume(partitions)
    this.#room.begin()
    this.#backlog.start()
    this.#deferred.start()
  }

  async #step(): Promise<void> {
    const { pace } = this.#options
    if (this.#drain.isDue) await this.#drain.run()
    if (this.#held.isDue) await this.#held.run()
    if (this.#topicWatch.isDue) await this.#topicWatch.run()
    if (this.#upkeep.isDue) await this.#upkeep.run()
    if (this.#replayer.isDue) await this.#replayer.run()
    const startedAtMs = performance.now()
    this.#options.signs.note('looked', startedAtMs)
    if (this.#room.isFull) return this.#waitForRoom()
    if (this.#keeper.cursor.current) await this.#walk()
    else {
      const found = await this.#look()
      if (!this.#stopping) await pace.pause(found, performance.now() - startedAtMs)
    }
    if (this.#ended.signal.aborted) throw new TenureEnded()
  }

  /** The quarantine is full: nothing more is published that might have to go there. What leaves it goes on, and so does the lease. */
  async #waitForRoom(): Promise<void> {
    this.#room.look()
    await this.#options.clock.pause(fullPauseMs, this.#ended.signal)
    if (this.#ended.signal.aborted) throw new TenureEnded()
  }

  /** Reads and publishes what has become visible. @returns whether there was anything */
  async #look(): Promise<boolean> {
    const { session, database, signals, instruments } = this.#options
    const keeper = this.#keeper
    const { previous } = keeper.cursor
    const { xmax, inProgress } = previous
    const lookedAtMs = performance.now()
    const reading = await this.#inTime(session.readLive({ xmax, inProgress }))
    instruments.lookDuration.record((performance.now() - lookedAtMs) / 1_000)
    if (reading.inRecovery) throw new BackstitchError('DATABASE_IS_STANDBY', database)
    const current = parseSnapshot(reading.snapshot)
    if (current.xmax < xmax)
      throw new BackstitchError(
        'OUTBOX_CHECKPOINT_AHEAD',
        `${database}: ${previous.text} is saved, it is at ${current.text}`,
      )
    keeper.sawSequence(reading.sequenceLast)
    const cursor = afterSequence(keeper.cursor, reading.sequenceLast)
    if (reading.rows === undefined) {
      // saving it also brings everything that the snapshot sees to disk
      keeper.moveTo(openWindow(cursor, current, reading.sequenceLast), 0)
      await keeper.save()
      return true
    }
    const done = afterWindow(cursor, current, reading.sequenceLast, keeper.fences)
    const { rows } = reading
    if (rows.length === 0) {
      keeper.moveTo(done, 0)
      return false
    }
    await untilOnDisk(reading, session, keeper)
    await signals.reach('relay.read.after')
    const parked = await this.#delivery.deliver(rows, true)
    keeper.moveTo(done, rows.length, changeOf(parked))
    if (keeper.unsavedRows >= saveAfterRows) await keeper.save()
    return true
  }

  /** Publishes the open window page by page, the next one being read meanwhile. Comes back early when something else is due. */
  async #walk(): Promise<void> {
    const { session, signals } = this.#options
    const keeper = this.#keeper
    const underWay: {
      readonly end: bigint
      readonly page: Page<OutboxTuple>
      readonly delivered: Promise<readonly ParkedRow[]>
    }[] = []
    let pagesDone = 0
    let saving: Promise<void> = Promise.resolve()
    const { readingReach } = this.#options
    const readPage = async (page: PageRead): Promise<Page<OutboxTuple>> => {
      const startedAtMs = performance.now()
      const found = await this.#inTime(session.readPage(page))
      readingReach.finished(performance.now() - startedAtMs, found.full)
      return found
    }
    let read = pageAfter(keeper.cursor, keeper.cursor.position, readingReach)
    let next = read && readPage(read)
    while (read || underWay.length > 0) {
      // what is let out of the quarantine takes turns with the pages
      const interrupted =
        this.#stopping ||
        (pagesDone > 0 &&
          (this.#drain.isDue ||
            this.#held.isDue ||
            this.#topicWatch.isDue ||
            this.#upkeep.isDue ||
            this.#replayer.isDue ||
            this.#room.isFull))
      if (interrupted && underWay.length === 0) {
        next?.catch(() => undefined)
        return saving
      }
      if (read && next && !interrupted && underWay.length < pagesAtOnce) {
        const page = await next
        const end = endOfPage(read, page)
        read = pageAfter(keeper.cursor, end, readingReach)
        next = read && readPage(read)
        next?.catch(() => undefined)
        await signals.reach('relay.read.after')
        const delivered = this.#delivery.deliver(page.rows, false)
        delivered.catch(() => undefined)
        underWay.push({ end, page, delivered })
        if (underWay.length < pagesAtOnce) continue
      }
      const first = underWay.shift()
      if (!first) continue
      const parked = await first.delivered
      pagesDone++
      const { end, page } = first
      keeper.moveTo(movedTo(keeper.cursor, end), page.rows.length, changeOf(parked))
      page.release?.()
      if (page.rows.length === 0) continue
      // one save is on its way while the next page is: a kill then repeats what is under way, and a page or two
      await saving
      saving = keeper.save()
    }
    await saving
    const { current, sequenceHigh } = keeper.cursor
    if (current) keeper.moveTo(afterWindow(keeper.cursor, current, sequenceHigh, keeper.fences), 0)
  }

  /** A read that takes too long is for less the next time. */
  async #inTime<Result>(reading: Promise<Result>): Promise<Result> {
    try {
      return await reading
    } catch (error) {
      if (isBackstitchError(error, 'DATABASE_TOO_SLOW')) this.#options.readingReach.shrink()
      throw error
    }
  }

  /** A publish ends before the lease does. What is left is counted from the moment a renewal was sent, so it is never too much. */
  async #publishDeadlineMs(): Promise<number> {
    const { leaseDurationMs } = this.#options
    const marginMs = leaseDurationMs / 10
    if (this.#keeper.remainingMs - marginMs < leaseDurationMs / 3)
      try {
        await this.#keeper.save()
      } catch (error) {
        this.end(error)
        return 0
      }
    return this.#keeper.remainingMs - marginMs
  }
}

const changeOf = (parked: readonly ParkedRow[]) => (parked.length === 0 ? undefined : { parked })
