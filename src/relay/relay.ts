import type { Health, ProcessPart } from '../kernel/lifecycle.ts'
import { DatabaseRelay } from './database-relay.ts'
import { PublisherLanes } from './publishing/publisher-lanes.ts'
import { publishInstruments, relayInstruments } from './telemetry/relay-metrics.ts'
import { LeafKeeper, type LeafStatus } from './upkeep/leaf-keeper.ts'
import { type OutboxRelayOptions, type ResolvedRelayOptions, resolveRelayOptions } from './relay-options.ts'

/** How far one outbox is. */
export type OutboxStatus = {
  readonly database: string
  readonly health: Health
  /** Numbers of the shards that this process publishes just now. */
  readonly shards: readonly number[]
  /** Records acknowledged by Kafka since the start of this process. */
  readonly published: number
  /** Keys held back because a record was refused, and topics that cannot be written to. */
  readonly parkedKeys: number
  readonly parkedTopics: readonly string[]
  /** Partitions that cannot be written to while others can, as `topic/partition`: their rows wait, and follow by themselves. */
  readonly heldPartitions: readonly string[]
  /** The partitions of the outbox. */
  readonly leaves: LeafStatus
  /** Topics that have another number of partitions than they are written to with, each in words. */
  readonly changedTopics: readonly string[]
}

/** Publishes the outboxes of its databases to Kafka. */
export type Relay = ProcessPart & {
  /** Looks at the outboxes at once: call it after a commit in the same process to save the rest of a pause. */
  wake(): void
  /** Each outbox by itself. */
  status(): readonly OutboxStatus[]
}

/**
 * Makes a {@link Relay} over the ports; applications call `createRelay` of the package, which brings the databases.
 * @throws `CONFIG_INVALID`
 */
export function relayOver(options: OutboxRelayOptions): Relay {
  return new OutboxRelay(resolveRelayOptions(options))
}

class OutboxRelay implements Relay {
  readonly name = 'relay'
  readonly #options: ResolvedRelayOptions
  readonly #lanes: PublisherLanes
  readonly #databases: readonly DatabaseRelay[]
  /** One for each database. */
  readonly #keepers: readonly LeafKeeper[]
  readonly #stop = new AbortController()
  #state: 'new' | 'started' | 'stopped' = 'new'

  constructor(options: ResolvedRelayOptions) {
    this.#options = options
    const instruments = publishInstruments(options.metrics, options.transport.name)
    this.#lanes = new PublisherLanes({ ...options, instruments, count: options.publishers })
    // an outbox that is listed twice, under two names, is then owned by one of the two
    this.#databases = options.databases.map(
      (database, n) =>
        new DatabaseRelay(database, this.#lanes, { ...options, owner: `${options.owner}/${n}` }),
    )
    const { keepPublishedMs } = options.retention
    this.#keepers = options.databases.map(
      (database) =>
        new LeafKeeper({
          open: () => database.openLeaves(keepPublishedMs),
          keepPublishedMs,
          clock: options.clock,
          signals: options.testSignals,
          logger: options.logger.child({ database: database.name }),
          instruments: relayInstruments(options.metrics, database.name),
        }),
    )
  }

  async start(): Promise<void> {
    this.#state = 'started'
    try {
      await Promise.all([
        this.#lanes.open(this.#stop.signal),
        ...this.#databases.map(async (database, n) => {
          await database.start()
          this.#keepers[n]?.start()
        }),
      ])
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    this.#stop.abort()
    await Promise.all([...this.#databases, ...this.#keepers].map((part) => part.stop()))
    await this.#lanes.close(1_000)
    this.#options.logger.debug({}, 'the relay has stopped')
  }

  health(): Health {
    if (this.#state === 'new') return { state: 'starting' }
    if (this.#state === 'stopped') return { state: 'stopped' }
    const healths = this.#databases.map(({ name, health }) => ({ name, ...health }))
    for (const state of ['stalled', 'failing'] as const) {
      const found = healths.find((health) => health.state === state)
      if (found) return { state, reason: `${found.name}: ${found.reason ?? ''}` }
    }
    const isPublishing = healths.some(({ state }) => state === 'running')
    const { trouble } = this.#lanes
    if (trouble !== undefined && isPublishing) return { state: 'failing', reason: `Kafka: ${trouble}` }
    if (healths.some(({ state }) => state === 'starting')) return { state: 'starting' }
    const standby = healths.every(({ state }) => state === 'standby')
    if (standby) return { state: 'standby' }
    const remark = healths.find(({ reason, state }) => state === 'running' && reason !== undefined)
    return remark
      ? { state: 'running', reason: `${remark.name}: ${remark.reason ?? ''}` }
      : { state: 'running' }
  }

  wake(): void {
    for (const database of this.#databases) database.wake()
  }

  status(): readonly OutboxStatus[] {
    return this.#databases.map(({ name, health, shards, published, parked, changedTopics }, n) => ({
      database: name,
      health,
      shards,
      published,
      parkedKeys: parked.keys,
      parkedTopics: parked.topics,
      heldPartitions: parked.partitions,
      leaves: this.#keepers[n]?.status ?? { count: 0, isDefaultInUse: false },
      changedTopics,
    }))
  }
}
