import {
  type Connection,
  heartbeatV4,
  joinGroupV6,
  leaveGroupV4,
  offsetCommitV8,
  syncGroupV4,
} from '@platformatic/kafka'
import { systemClock } from '../../../kernel/clock.ts'
import { settlesWithin } from '../../../transport/settles-within.ts'
import { dealOut } from '../../../transport/group/deal-out.ts'
import { ask } from '../client/ask.ts'
import { assertAccepted, BrokerRefusal } from '../client/broker-refusal.ts'
import type { Cluster } from '../client/cluster.ts'
import { groupCoordinator } from '../client/coordinator.ts'
import { code, isOnItsWay } from '../client/error-codes.ts'
import { committedOffsets } from '../client/offsets.ts'
import { isMissing, topicViewOf } from '../client/topic-view.ts'
import {
  type Assignment,
  assignmentProtocol,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from './assignment-protocol.ts'

/** What a session is made of. */
export type GroupSessionSettings = {
  /** Its requests may take as long as a rebalance. */
  readonly cluster: Cluster
  /** Where a request need not wait behind those. */
  readonly besides: Cluster
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  /** Aborts when the member leaves. */
  readonly closing: AbortSignal
  /** The name of a static member. */
  readonly instanceId: string | undefined
  /** Another member has come under the same name. This one has none from there on, else they would take it from each other for ever. */
  readonly onNameTaken: () => void
}

/** `rebalance`: join again. `lost`: the group does not know this member any more. `silent`: nobody answered. */
export type HeartbeatAnswer = 'well' | 'rebalance' | 'lost' | 'silent'

/** After these the group does not know this member, or this generation of it, any more. */
const lostCodes: ReadonlySet<number> = new Set([
  code.illegalGeneration,
  code.unknownMemberId,
  code.fencedInstanceId,
])

const askAgainMs = 50

/** A member of a group as its coordinator sees it, in Kafka’s classic protocol: who it is, and in which generation. */
export class GroupSession {
  readonly #settings: GroupSessionSettings
  #coordinator: Connection | undefined
  #memberId = ''
  #generation = -1
  #instanceId: string | null
  #isJoining = false
  /** Partitions of each topic that this member watches: those of the group when it dealt them out; none where another one did. */
  #watched: ReadonlyMap<string, number> = new Map()

  constructor(settings: GroupSessionSettings) {
    this.#settings = settings
    this.#instanceId = settings.instanceId ?? null
  }

  /**
   * Joins (again) and resolves with what this member is given.
   * @throws BrokerRefusal, and what the library throws when nobody answers; it may then be called again
   */
  async join(): Promise<Assignment> {
    while (!this.#settings.closing.aborted) {
      const coordinator = await this.#findCoordinator()
      if (coordinator === undefined) continue
      this.#isJoining = true
      const answered = await this.#joinAndSync(coordinator).finally(() => (this.#isJoining = false))
      if (typeof answered !== 'number') return answered
      if (lostCodes.has(answered)) this.#lost(answered)
      else if (isOnItsWay(answered)) await this.#forgetCoordinator()
      else if (answered !== code.rebalanceInProgress && answered !== code.memberIdRequired)
        throw new BrokerRefusal(answered)
    }
    throw new BrokerRefusal(code.rebalanceInProgress, 'the member leaves')
  }

  /** Never rejects. */
  async heartbeat(): Promise<HeartbeatAnswer> {
    const { group, sessionTimeoutMs } = this.#settings
    const answer = await this.#within(sessionTimeoutMs, (coordinator) =>
      ask(coordinator, heartbeatV4.api, group, this.#generation, this.#memberId, this.#instanceId),
    )
    if (answer === undefined) return 'silent'
    if (answer.errorCode === code.none) return 'well'
    if (answer.errorCode === code.rebalanceInProgress) return 'rebalance'
    if (lostCodes.has(answer.errorCode)) {
      this.#lost(answer.errorCode)
      return 'lost'
    }
    await this.#forgetCoordinator()
    return 'silent'
  }

  /** Whether a topic that this member watches has another number of partitions by now. @throws what the library throws */
  async isOutdated(): Promise<boolean> {
    if (this.#watched.size === 0) return false
    const now = await this.#countPartitions([...this.#watched.keys()])
    return [...this.#watched].some(([topic, count]) => now.get(topic) !== count)
  }

  /** What the group has committed of an assignment. @throws BrokerRefusal, and what the library throws */
  async committed(assignment: Assignment): Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>>> {
    const coordinator = await this.#findCoordinator()
    if (coordinator === undefined) throw new BrokerRefusal(code.coordinatorNotAvailable)
    return committedOffsets(coordinator, this.#settings.group, assignment)
  }

  /** Commits under the generation of the last join. `stale`: that is over. Never rejects. */
  async commit(
    topic: string,
    partition: number,
    nextOffset: bigint,
  ): Promise<'committed' | 'stale' | 'failed'> {
    const { group, sessionTimeoutMs } = this.#settings
    const [generation, memberId, instanceId] = [this.#generation, this.#memberId, this.#instanceId]
    const until = performance.now() + sessionTimeoutMs
    while (performance.now() < until) {
      const answer = await this.#within(sessionTimeoutMs, (coordinator) =>
        ask(coordinator, offsetCommitV8.api, group, generation, memberId, instanceId, [
          {
            name: topic,
            partitions: [
              { partitionIndex: partition, committedOffset: nextOffset, committedLeaderEpoch: -1 },
            ],
          },
        ]),
      )
      const errorCode = answer?.topics[0]?.partitions[0]?.errorCode
      if (errorCode === code.none) return 'committed'
      if (errorCode !== undefined && (lostCodes.has(errorCode) || errorCode === code.rebalanceInProgress))
        return 'stale'
      if (errorCode !== undefined && !isOnItsWay(errorCode)) return 'failed'
      await this.#forgetCoordinator()
    }
    return 'failed'
  }

  /** Tells the group that it goes, unless it is to come back under its name. @throws what the library throws */
  async leave(): Promise<void> {
    if (this.#coordinator === undefined || this.#memberId === '' || this.#instanceId !== null) return
    const { group, besides } = this.#settings
    // a broker looks at the requests of a connection one by one: behind one to join this one would wait for the whole rebalance
    const coordinator = this.#isJoining ? await groupCoordinator(besides, group) : this.#coordinator
    await ask(coordinator, leaveGroupV4.api, group, [{ memberId: this.#memberId }])
  }

  #lost(errorCode: number): void {
    this.#memberId = ''
    if (errorCode !== code.fencedInstanceId || this.#instanceId === null) return
    this.#instanceId = null
    this.#settings.onNameTaken()
  }

  /** @returns the assignment, or the code of the answer that prevents it */
  async #joinAndSync(coordinator: Connection): Promise<Assignment | number> {
    const { group, topics, sessionTimeoutMs, rebalanceTimeoutMs } = this.#settings
    const joined = await ask(
      coordinator,
      joinGroupV6.api,
      group,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      this.#memberId,
      this.#instanceId,
      'consumer',
      [{ name: assignmentProtocol, metadata: encodeSubscription(topics) }],
      null,
    )
    if (joined.errorCode === code.none || joined.errorCode === code.memberIdRequired)
      this.#memberId = joined.memberId ?? ''
    if (joined.errorCode !== code.none) return joined.errorCode
    this.#generation = joined.generationId
    this.#watched = new Map()
    const assignments = joined.leader === this.#memberId ? await this.#deal(joined.members) : []
    // the leader that came back under its name is not told that it still is; should it be, its next join is answered so
    if (assignments.length === 0 && this.#instanceId !== null)
      this.#watched = await this.#countPartitions(topics)
    const synced = await ask(
      coordinator,
      syncGroupV4.api,
      group,
      this.#generation,
      this.#memberId,
      this.#instanceId,
      'consumer',
      assignmentProtocol,
      assignments,
    )
    return synced.errorCode === code.none ? decodeAssignment(synced.assignment) : synced.errorCode
  }

  async #deal(
    members: readonly { readonly memberId: string; readonly metadata: Buffer | null }[],
  ): Promise<{ memberId: string; assignment: Buffer }[]> {
    const subscriptions = members.map(({ memberId, metadata }) => ({
      memberId,
      topics: new Set(metadata === null ? [] : decodeSubscription(metadata)),
    }))
    const topics = [...new Set(subscriptions.flatMap((it) => [...it.topics]))]
    const counts = await this.#countPartitions(topics)
    this.#watched = counts
    const partitionsOf = new Map([...counts].map(([topic, count]) => [topic, [...Array(count).keys()]]))
    return dealOut(subscriptions, partitionsOf).map(({ memberId, assignment }) => ({
      memberId,
      assignment: encodeAssignment(assignment),
    }))
  }

  /** Zero where a topic does not exist. */
  async #countPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const answer = await this.#settings.cluster.describe(topics)
    return new Map(
      topics.map((topic) => {
        const view = topicViewOf(answer, topic)
        if (!isMissing(view)) assertAccepted(view.errorCode)
        return [topic, view.leaders.length]
      }),
    )
  }

  /** `undefined` where it is to be asked for again, after a pause. */
  async #findCoordinator(): Promise<Connection | undefined> {
    if (this.#coordinator !== undefined && !this.#coordinator.socket.destroyed) return this.#coordinator
    try {
      this.#coordinator = await groupCoordinator(this.#settings.cluster, this.#settings.group)
      return this.#coordinator
    } catch (thrown) {
      if (!(thrown instanceof BrokerRefusal) || !isOnItsWay(thrown.errorCode)) throw thrown
      await this.#forgetCoordinator()
      return undefined
    }
  }

  async #forgetCoordinator(): Promise<void> {
    this.#coordinator = undefined
    await systemClock.pause(askAgainMs, this.#settings.closing)
  }

  /** `undefined` where nobody answered in time; a connection that is silent for so long is given up. */
  async #within<Answer>(
    ms: number,
    request: (coordinator: Connection) => Promise<Answer>,
  ): Promise<Answer | undefined> {
    const asking = this.#findCoordinator().then((found) => (found === undefined ? undefined : request(found)))
    if (!(await settlesWithin(asking, ms))) this.#coordinator?.socket.destroy()
    return asking.catch(() => undefined)
  }
}
