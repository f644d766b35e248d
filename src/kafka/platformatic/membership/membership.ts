import { type BackoffPolicy, backoffMs } from '../../../kernel/backoff.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { reasonOf } from '../../../kernel/errors.ts'
import { settlesWithin } from '../../../transport/settles-within.ts'
import type { Membership, MembershipSettings } from '../../../transport/group/lasting-subscriber.ts'
import { Tenure } from '../../../transport/group/tenure.ts'
import { type ReceivedBatch, settlePatienceMs } from '../../../transport/subscriber.ts'
import type { ClientSettings } from '../client/client-settings.ts'
import { Cluster } from '../client/cluster.ts'
import type { Assignment } from './assignment-protocol.ts'
import { Fetching } from './fetching.ts'
import { GroupSession } from './group-session.ts'
import { PartitionReader } from './partition-reader.ts'

/** A rebalance waits this long for members that do not answer. All of ours answer within a second or two: see {@link settlePatienceMs}. */
const rebalanceTimeoutMs = 10_000

/** New partitions of a topic are noticed within this long. */
const countEveryMs = 10_000

const heartbeatMaxMs = 1_000
const rejoinPolicy: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 }

/**
 * A member over the library’s requests, in the classic eager protocol: when the group is dealt out anew, all of it lets go of its
 * partitions and joins again. It heartbeats by itself, whatever the handlers do.
 */
export class PlatformaticMembership implements Membership {
  readonly #settings: MembershipSettings
  /** For the group: its requests may be answered as late as a rebalance ends. */
  readonly #control: Cluster
  /** For records: its requests are held by the brokers until there are some. */
  readonly #data: Cluster
  readonly #session: GroupSession
  readonly #closing = new AbortController()
  readonly #ended = Promise.withResolvers<Error>()
  readonly #silenceMaxMs: number
  #tenure: Tenure | undefined
  #assignment: readonly string[] = []
  #lastSignMs = performance.now()

  constructor(client: ClientSettings, settings: MembershipSettings) {
    this.#settings = settings
    const { group, topics, sessionTimeoutMs, maxWaitMs } = settings
    const longestMs = Math.max(rebalanceTimeoutMs, sessionTimeoutMs)
    this.#silenceMaxMs = 2 * longestMs
    this.#control = new Cluster(client, longestMs + client.requestTimeoutMs)
    this.#data = new Cluster(client, maxWaitMs + client.requestTimeoutMs)
    this.#session = new GroupSession({
      cluster: this.#control,
      besides: this.#data,
      group,
      topics,
      sessionTimeoutMs,
      rebalanceTimeoutMs: longestMs,
      closing: this.#closing.signal,
      instanceId: settings.instanceId,
      onNameTaken: settings.onNameTaken,
    })
  }

  get ended(): Promise<Error> {
    return this.#ended.promise
  }

  get assignment(): readonly string[] {
    return this.#tenure === undefined || this.#tenure.isOver ? [] : this.#assignment
  }

  async join(): Promise<void> {
    this.#begin(await this.#session.join())
    void this.#stay().catch((thrown: unknown) => {
      this.#ended.resolve(thrown instanceof Error ? thrown : new Error(reasonOf(thrown)))
    })
  }

  windDown(): void {
    this.#closing.abort()
    this.#tenure?.windDown()
  }

  async leave(graceMs: number): Promise<void> {
    this.windDown()
    this.#tenure?.end()
    await settlesWithin(this.#session.leave(), graceMs)
    this.#control.cutOff()
    this.#data.cutOff()
  }

  /** @throws why it cannot go on */
  async #stay(): Promise<void> {
    const { signal } = this.#closing
    const everyMs = Math.min(heartbeatMaxMs, Math.floor(this.#settings.sessionTimeoutMs / 4))
    let countedMs = performance.now()
    let isCounting = false
    let isOutdated = false
    // beside the heartbeats, which must not wait for a broker that is slow to answer
    const count = async (): Promise<void> => {
      isCounting = true
      isOutdated = await this.#session.isOutdated().catch(() => false)
      isCounting = false
      countedMs = performance.now()
    }
    while (!signal.aborted) {
      await systemClock.pause(everyMs, signal)
      if (signal.aborted) return
      let answer = await this.#session.heartbeat()
      if (answer === 'silent') {
        this.#assertHeard()
        continue
      }
      this.#lastSignMs = performance.now()
      if (answer === 'well' && isOutdated) answer = 'rebalance'
      if (!isCounting && performance.now() - countedMs > countEveryMs) void count()
      if (answer === 'well' && !this.#tenure?.isOver) continue
      await this.#joinAgain()
      isOutdated = false
    }
  }

  /** Past its session the group has given its partitions to others; past that and a rebalance, something is wrong here. */
  #assertHeard(): void {
    const silentMs = performance.now() - this.#lastSignMs
    if (silentMs > this.#settings.sessionTimeoutMs) this.#tenure?.end()
    if (silentMs > this.#silenceMaxMs)
      throw new Error(`the group’s coordinator gave no sign of life for ${Math.round(silentMs)} ms`)
  }

  async #joinAgain(): Promise<void> {
    const { signal } = this.#closing
    this.#tenure?.windDown()
    // it does not heartbeat meanwhile
    const patienceMs = Math.min(settlePatienceMs, this.#settings.sessionTimeoutMs / 2)
    await settlesWithin(this.#settings.settled(), patienceMs)
    this.#tenure?.end()
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        return this.#begin(await this.#session.join())
      } catch (thrown) {
        if (signal.aborted) return
        this.#assertHeard()
        const line = { group: this.#settings.group, error: reasonOf(thrown) }
        this.#settings.logger.debug(line, 'could not join the group again yet')
        await systemClock.pause(backoffMs(failures, rejoinPolicy, Math.random()), signal)
      }
    }
  }

  #begin(assignment: Assignment): void {
    if (this.#closing.signal.aborted) return
    const tenure = new Tenure()
    this.#tenure = tenure
    this.#lastSignMs = performance.now()
    const { lanes, onBatch, logger, maxWaitMs } = this.#settings
    const reader = { lanes, onBatch, logger, tenure, commit: this.#committing(tenure) }
    const onWanting = (): void => fetching.advance()
    const readers = [...assignment].flatMap(([topic, partitions]) =>
      partitions.map((partition) => new PartitionReader(topic, partition, { ...reader, onWanting })),
    )
    const fetching: Fetching = new Fetching({
      cluster: this.#data,
      session: this.#session,
      readers,
      maxWaitMs,
      signal: tenure.signal,
      logger,
    })
    this.#assignment = readers.map(({ topic, partition }) => `${topic}/${partition}`).toSorted()
    fetching.advance()
  }

  #committing(
    tenure: Tenure,
  ): (topic: string, partition: number, nextOffset: bigint) => ReturnType<ReceivedBatch['commit']> {
    return async (topic, partition, nextOffset) => {
      // between this line and the session’s reading its generation nothing waits: a later one can never be named
      if (tenure.isOver) return 'stale'
      const outcome = await this.#session.commit(topic, partition, nextOffset)
      if (outcome === 'stale') tenure.windDown()
      if (outcome !== 'failed') return outcome
      const place = { topic, partition, nextOffset: String(nextOffset) }
      this.#settings.logger.warn(place, 'an offset was not committed; its records may come again')
      return tenure.isOver ? 'stale' : 'failed'
    }
  }
}
