import type { Consumer } from 'kafkajs'
import type { Membership, MembershipSettings } from '../../../transport/group/lasting-subscriber.ts'
import { Tenure } from '../../../transport/group/tenure.ts'
import { settlesWithin } from '../../../transport/settles-within.ts'
import { settlePatienceMs } from '../../../transport/subscriber.ts'
import { type Client, quickRetry } from '../client/client.ts'
import type { KafkajsGroup } from '../client/held-joins.ts'
import { BatchDesk } from './batch-desk.ts'
import { subscribedAssigner } from './subscribed-assigner.ts'

/** A rebalance waits this long for members that do not answer. All of ours answer within a second or two: see {@link settlePatienceMs}. */
const rebalanceTimeoutMs = 10_000

/** New partitions of a topic are noticed within this long. */
const metadataMaxAgeMs = 10_000

/** Between kafkajs’s events STOP and CRASH it lets go of its connections. */
const crashReasonWithinMs = 1_000

/**
 * kafkajs leaves no group while it joins one, and a member that is cut off meanwhile stands in the way of the others for a session. A join
 * takes as long as the slowest member needs to settle and to notice.
 */
const joinsWithinMs = 3_000

const fetchBytesMax = 10_485_760
const fetchPartitionBytesMax = 1_048_576

/** How to be a member. */
export type KafkajsMembershipSettings = MembershipSettings & { readonly client: Client }

/**
 * The life of one kafkajs consumer, from joining until it crashes or leaves; it is never restarted (kafkajs does so with delays of its own,
 * or not at all), its owner makes a new one.
 */
export class KafkajsMembership implements Membership {
  readonly #settings: KafkajsMembershipSettings
  readonly #consumer: Consumer
  readonly #desk: BatchDesk
  readonly #closing = new AbortController()
  readonly #joined = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<Error>()
  #starting: Promise<void> | undefined
  #tenure: Tenure | undefined
  #isJoining = false
  #assignment: readonly string[] = []
  #lastSignMs = performance.now()

  constructor(settings: KafkajsMembershipSettings) {
    this.#settings = settings
    this.#desk = new BatchDesk({ ...settings, closing: this.#closing.signal })
    this.#consumer = settings.client.kafka.consumer({
      groupId: settings.group,
      sessionTimeout: settings.sessionTimeoutMs,
      heartbeatInterval: Math.min(1_000, Math.floor(settings.sessionTimeoutMs / 4)),
      rebalanceTimeout: Math.max(rebalanceTimeoutMs, settings.sessionTimeoutMs),
      maxWaitTimeInMs: settings.maxWaitMs,
      maxBytes: fetchBytesMax,
      maxBytesPerPartition: fetchPartitionBytesMax,
      metadataMaxAge: metadataMaxAgeMs,
      allowAutoTopicCreation: false,
      partitionAssigners: [
        subscribedAssigner({
          beforeJoining: (group) => this.#beforeJoining(group),
          onJoining: () => this.#beginJoining(),
        }),
      ],
      retry: { ...quickRetry, restartOnFailure: () => Promise.resolve(false) },
    })
    this.#listen()
  }

  /** Resolves with why this consumer ended: what it crashed with, or its silence. */
  get ended(): Promise<Error> {
    return this.#ended.promise
  }

  /** Partitions held just now, as `topic/partition`. */
  get assignment(): readonly string[] {
    return this.#tenure === undefined || this.#tenure.isOver ? [] : this.#assignment
  }

  /** Resolves once the first assignment has come. @throws what kafkajs throws when it cannot */
  async join(): Promise<void> {
    this.#starting = this.#start()
    const ended = this.#ended.promise.then((reason) => {
      throw reason
    })
    await Promise.race([this.#joined.promise, ended, this.#starting.then(() => this.#joined.promise)])
    this.#watch()
  }

  /** Aborts the signals of the batches in hand and begins no others; what is done can still be committed. */
  windDown(): void {
    this.#closing.abort()
    this.#tenure?.windDown()
  }

  /** Leaves the group and lets go of the connections, within `graceMs`. Never rejects. */
  async leave(graceMs: number): Promise<void> {
    this.windDown()
    this.#tenure?.end()
    // kafkajs ignores a stop while it starts, and would then be a member for ever
    const leaving = (this.#starting ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => this.#consumer.disconnect())
    await settlesWithin(leaving, this.#isJoining ? Math.max(graceMs, joinsWithinMs) : graceMs)
    this.#settings.client.cutOff()
  }

  async #start(): Promise<void> {
    await this.#consumer.connect()
    await this.#consumer.subscribe({ topics: [...this.#settings.topics], fromBeginning: true })
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: this.#settings.partitionsConcurrentMax,
      eachBatch: (payload) => this.#desk.handOver(payload, this.#tenure),
    })
  }

  #listen(): void {
    const { events } = this.#consumer
    const sign = (): void => {
      this.#lastSignMs = performance.now()
    }
    this.#consumer.on(events.FETCH, sign)
    this.#consumer.on(events.HEARTBEAT, sign)
    this.#consumer.on(events.GROUP_JOIN, ({ payload }) => {
      sign()
      this.#isJoining = false
      this.#assignment = Object.entries(payload.memberAssignment)
        .flatMap(([topic, partitions]) => partitions.map((partition) => `${topic}/${partition}`))
        .toSorted()
      this.#tenure = new Tenure()
      this.#joined.resolve()
    })
    this.#consumer.on(events.CRASH, ({ payload }) => this.#ended.resolve(payload.error))
    this.#consumer.on(events.STOP, () => {
      // a crash stops it first and tells its reason afterwards
      const stopped = (): void => this.#ended.resolve(new Error('the consumer stopped by itself'))
      setTimeout(stopped, crashReasonWithinMs).unref()
    })
  }

  #beginJoining(): void {
    this.#isJoining = true
    this.#tenure?.end()
  }

  async #beforeJoining(group: KafkajsGroup): Promise<void> {
    const { maxWaitMs, sessionTimeoutMs, settled } = this.#settings
    Object.defineProperty(group, 'maxWaitTime', {
      get: () => this.#desk.waitMs(maxWaitMs),
      configurable: true,
    })
    if (this.#tenure === undefined || this.#tenure.isOver) return
    this.#tenure.windDown()
    // kafkajs does not heartbeat meanwhile
    await settlesWithin(settled(), Math.min(settlePatienceMs, sessionTimeoutMs / 2))
  }

  /** kafkajs can fall silent without a word. A fetch or a heartbeat succeeds every second, a rebalance takes its timeout at most. */
  #watch(): void {
    const silenceMaxMs = 2 * Math.max(rebalanceTimeoutMs, this.#settings.sessionTimeoutMs)
    const timer = setInterval(() => {
      if (performance.now() - this.#lastSignMs < silenceMaxMs) return
      this.#ended.resolve(new Error(`the consumer gave no sign of life for ${silenceMaxMs} ms`))
    }, 1_000)
    timer.unref()
    const stop = (): void => clearInterval(timer)
    this.#closing.signal.addEventListener('abort', stop)
    void this.#ended.promise.then(stop)
  }
}
