import { backoffMs, type BackoffPolicy } from '../../kernel/backoff.ts'
import { systemClock } from '../../kernel/clock.ts'
import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { settlesWithin } from '../settles-within.ts'
import {
  type BatchHandler,
  settlePatienceMs,
  type Subscriber,
  type SubscriberOptions,
} from '../subscriber.ts'
import { BatchLanes } from './batch-lanes.ts'
import { settled } from './settled.ts'
import { type TopicLookup, TopicWatch } from './topic-watch.ts'

/** Short, since whoever reads the group’s topics waits for it. */
const rejoinBackoff: BackoffPolicy = { initialMs: 100, maxMs: 2_000, factor: 2 }

/** A member that lasted this long was in order: the next failure counts from one again. */
const soundAfterMs = 30_000

/** Leaving a group that has just crashed is a courtesy. */
const leaveAfterCrashMs = 1_000

/** The life of one member, from joining until it fails or leaves. It is never restarted. */
export type Membership = {
  /** Resolves once the first assignment has come. @throws why it cannot join */
  join(): Promise<void>
  /** Resolves with why it ended by itself. */
  readonly ended: Promise<Error>
  /** Partitions held just now, as `topic/partition`. */
  readonly assignment: readonly string[]
  /** Aborts the signals of the batches in hand and begins no others; what is done can still be committed. */
  windDown(): void
  /** Leaves the group and lets go of the connections, within `graceMs`. Never rejects. */
  leave(graceMs: number): Promise<void>
}

type GroupSettings = Required<Omit<SubscriberOptions, 'instanceId'>> & {
  readonly instanceId: string | undefined
}

/** What a member is given. */
export type MembershipSettings = GroupSettings & {
  /** To be called when another member has taken the name of this one, which has none from there on. */
  readonly onNameTaken: () => void
  readonly onBatch: BatchHandler['onBatch']
  /** Asks the handler to settle; resolves when nothing is in hand any more. Never rejects, and may take for ever. */
  readonly settled: () => Promise<void>
  /** Outlive the member: a batch of its predecessor may still be in hand. */
  readonly lanes: BatchLanes
  readonly logger: Logger
}

/** What a driver does for a subscriber. */
export type GroupDriver = {
  /** A new member; all its topics exist. */
  membership(settings: MembershipSettings): Membership
  topicLookup(): TopicLookup
  /** Whether the thrown is a broker’s answer. Another one may follow; silence tends to last. */
  isAnswer(thrown: unknown): boolean
  /** `KAFKA_UNREACHABLE` or `KAFKA_ACCESS_DENIED`. */
  explain(thrown: unknown, place: string): BackstitchError
}

/**
 * A member of a consumer group that stays one: when a {@link Membership} fails, falls silent, or a topic appears that it does not read yet,
 * the next one takes over with the same lanes.
 */
export class LastingSubscriber implements Subscriber {
  readonly #driver: GroupDriver
  readonly #logger: Logger
  readonly #settings: GroupSettings
  readonly #lanes: BatchLanes
  #stopping = new AbortController()
  #running: Promise<void> | undefined
  #membership: Membership | undefined
  #handler: BatchHandler | undefined
  #isNameTaken = false

  constructor(driver: GroupDriver, logger: Logger, options: SubscriberOptions) {
    this.#driver = driver
    this.#logger = logger
    this.#settings = {
      group: options.group,
      topics: [...new Set(options.topics)],
      partitionsConcurrentMax: options.partitionsConcurrentMax ?? 4,
      sessionTimeoutMs: options.sessionTimeoutMs ?? 6_000,
      instanceId: options.instanceId,
      maxWaitMs: options.maxWaitMs ?? 500,
    }
    this.#lanes = new BatchLanes(this.#settings.partitionsConcurrentMax)
  }

  assignment(): readonly string[] {
    return this.#membership?.assignment ?? []
  }

  async run(handler: BatchHandler): Promise<void> {
    if (this.#running !== undefined) {
      throw new BackstitchError(
        'CONFIG_INVALID',
        `the subscriber of group ${this.#settings.group} runs already`,
      )
    }
    this.#handler = handler
    this.#isNameTaken = false
    this.#stopping = new AbortController()
    const assigned = Promise.withResolvers<void>()
    this.#running = this.#stayMember(handler, assigned)
      .then(assigned.resolve) // stopped, perhaps before the first assignment
      .catch((thrown: unknown) =>
        assigned.reject(this.#driver.explain(thrown, `group ${this.#settings.group}`)),
      )
      .finally(() => {
        this.#running = undefined
        this.#membership = undefined
      })
    await assigned.promise
  }

  async stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    const until = performance.now() + (options.graceMs ?? 5_000)
    const left = (): number => Math.max(0, until - performance.now())
    this.#stopping.abort()
    const membership = this.#membership
    membership?.windDown()
    await settlesWithin(this.#settled(), left())
    // even without grace left it tries to leave: the group then need not wait for the session to time out
    await membership?.leave(Math.max(left(), leaveAfterCrashMs))
    if (this.#running !== undefined) await settlesWithin(this.#running, Math.max(left(), leaveAfterCrashMs))
  }

  /** Until stopped: wait for topics, join, stay. Before the first assignment an unreachable broker ends it. */
  async #stayMember(handler: BatchHandler, assigned: PromiseWithResolvers<void>): Promise<void> {
    const { signal } = this.#stopping
    const watch = new TopicWatch(() => this.#driver.topicLookup(), this.#settings, this.#logger)
    let failures = 0
    let wasAssigned = false
    try {
      while (!signal.aborted) {
        const startedMs = performance.now()
        try {
          const topics = await watch.existing(signal)
          if (signal.aborted) break
          await this.#oneMembership(topics, handler, watch, () => {
            wasAssigned = true
            assigned.resolve()
          })
          failures = 0
        } catch (thrown) {
          if (signal.aborted) break
          if (!wasAssigned && this.#isHopeless(thrown)) throw thrown
          failures = performance.now() - startedMs > soundAfterMs ? 1 : failures + 1
          const pauseMs = backoffMs(failures, rejoinBackoff, Math.random())
          const line = { group: this.#settings.group, error: reasonOf(thrown), pauseMs }
          if (wasAssigned) this.#logger.warn(line, 'lost the membership of the group; joining again')
          else this.#logger.warn(line, 'could not join the group; trying again')
          await systemClock.pause(pauseMs, signal)
        }
      }
    } finally {
      await watch.close()
    }
  }

  /** Resolves when it was to end: stopped, or left to join again with more topics. @throws why it ended otherwise */
  async #oneMembership(
    topics: readonly string[],
    handler: BatchHandler,
    watch: TopicWatch,
    onAssigned: () => void,
  ): Promise<void> {
    const { signal } = this.#stopping
    const membership = this.#driver.membership({
      ...this.#settings,
      topics,
      instanceId: this.#isNameTaken ? undefined : this.#settings.instanceId,
      onNameTaken: () => this.#nameTaken(),
      logger: this.#logger,
      lanes: this.#lanes,
      onBatch: (batch) => handler.onBatch(batch),
      settled: () => this.#settled(),
    })
    this.#membership = membership
    const ending = new AbortController()
    const stopped = new Promise<'stopped'>((resolve) => {
      signal.addEventListener('abort', () => resolve('stopped'), { once: true, signal: ending.signal })
    })
    try {
      if ((await Promise.race([membership.join(), stopped])) === 'stopped') return
      onAssigned()
      const appeared = watch.appeared(topics, AbortSignal.any([signal, ending.signal]))
      const reason = await Promise.race([stopped, membership.ended, appeared])
      if (reason instanceof Error) throw reason
    } finally {
      ending.abort()
      // when stopping, stop() waits until all is settled
      if (!signal.aborted) {
        membership.windDown()
        await settlesWithin(this.#settled(), settlePatienceMs)
        await membership.leave(leaveAfterCrashMs)
        this.#membership = undefined
      }
    }
  }

  #nameTaken(): void {
    this.#isNameTaken = true
    const { group, instanceId } = this.#settings
    this.#logger.error(
      { group, instanceId },
      'another member of the group has this instance id; this one goes on without a name',
    )
  }

  #settled(): Promise<void> {
    return settled(this.#lanes, this.#handler, this.#logger)
  }

  /** Whether nobody answers, or the answer is no: for the caller of `run` to decide. Other answers may be others in a moment. */
  #isHopeless(thrown: unknown): boolean {
    return (
      !this.#driver.isAnswer(thrown) ||
      isBackstitchError(this.#driver.explain(thrown, ''), 'KAFKA_ACCESS_DENIED')
    )
  }
}
