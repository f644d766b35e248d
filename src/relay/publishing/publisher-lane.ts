import { type BackoffPolicy, backoffMs } from '../../kernel/backoff.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import { isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import type {
  OutgoingRecord,
  Publisher,
  PublisherIdentity,
  PublishFailure,
  PublishResult,
} from '../../transport/publisher.ts'
import type { KafkaTransport } from '../../transport/transport.ts'
import { type PublishInstruments, silentPublishInstruments } from '../telemetry/relay-metrics.ts'
import type { PublishScope } from './publish-scope.ts'

/** How long a publisher that failed may take to let go. */
const closeGraceMs = 500

/** Between failures that say nothing about the records. Short, for whoever waits here holds up a whole outbox. */
const lanePolicy: BackoffPolicy = { initialMs: 50, maxMs: 2_000, factor: 2 }

/** What a lane needs. */
export type LaneOptions = {
  readonly transport: KafkaTransport
  readonly clock: Clock
  readonly logger: Logger
  /** Default: nothing is measured. */
  readonly instruments?: PublishInstruments
  /** Called with each acknowledgement, in whole or in part. */
  readonly onAcknowledged?: () => void
}

/** How one publish is made. */
export type LanePublish = {
  /** Which part of the deadline it may use. Default all of it. */
  readonly deadlineShare?: number
  /**
   * Whether it goes out at once, though a publish before it failed: for records of another partition, at which nothing has failed yet.
   * A pause after a failure to connect is made all the same.
   */
  readonly isEager?: boolean
}

/**
 * One publisher at a time, with one publish under way at a time. Work waits in line. Whatever a publisher fails at, it is thrown away as
 * soon as it says that it is poisoned, and the next one is opened with a growing pause.
 */
export class PublisherLane {
  readonly #transport: KafkaTransport
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #instruments: PublishInstruments
  readonly #onAcknowledged: () => void
  #publisher: Publisher | undefined
  /** Whom the next publisher succeeds: what of it still arrives, the broker then refuses. */
  #identity: PublisherIdentity | undefined
  #line: Promise<unknown> = Promise.resolve()
  #failures = 0
  /** By `performance.now()`: a step of the wall clock must not become a pause. */
  #notBefore = 0
  #pausesFor: Trouble['at'] = 'publishing'
  #waiting = 0
  #trouble: Trouble | undefined

  constructor(options: LaneOptions) {
    this.#transport = options.transport
    this.#clock = options.clock
    this.#logger = options.logger
    this.#instruments = options.instruments ?? silentPublishInstruments
    this.#onAcknowledged = options.onAcknowledged ?? (() => undefined)
  }

  /** Whether the outcome of a batch is told record by record. */
  get namesRecords(): boolean {
    return this.#transport.capabilities.perRecordOutcome
  }

  /** Publishes waiting or under way. */
  get load(): number {
    return this.#waiting
  }

  /** Why nothing gets through just now. */
  get trouble(): string | undefined {
    return this.#trouble?.reason
  }

  /** Whoever had trouble publishing has gone, so nothing will show whether it gets through by now. */
  forgetTrouble(): void {
    if (this.#trouble?.at === 'publishing') this.#trouble = undefined
  }

  /** Publishes one batch once its turn comes. Never rejects. */
  publish(
    records: readonly OutgoingRecord[],
    scope: PublishScope,
    { deadlineShare = 1, isEager = false }: LanePublish = {},
  ): Promise<PublishResult> {
    return this.#inLine(async () => {
      const publisher = await this.#ready(scope.signal, isEager)
      if (!('publish' in publisher)) return failed({ ...publisher, isUnsent: true })
      const deadlineMs = await scope.deadlineMs()
      if (deadlineMs <= 0 || scope.signal.aborted) return failed(ended)
      const startedAtMs = performance.now()
      const result = await publisher.publish(records, { deadlineMs: deadlineMs * deadlineShare })
      this.#instruments.batchSize.record(records.length)
      this.#instruments.duration.record((performance.now() - startedAtMs) / 1_000)
      if (
        result.kind === 'acknowledged' ||
        (result.kind === 'partial' && result.failures.size < records.length)
      )
        this.#onAcknowledged()
      await this.#judge(publisher, result)
      return result
    })
  }

  /** Partitions of a topic, `undefined` where there is none. Never rejects: a failure is returned. */
  partitionCount(topic: string, signal: AbortSignal): Promise<number | undefined | PublishFailure> {
    return this.#inLine(async () => {
      const publisher = await this.#ready(signal)
      if (!('publish' in publisher)) return publisher
      try {
        return await publisher.partitionCount(topic)
      } catch (error) {
        return this.#discard(
          publisher,
          { kind: 'retriable', reason: reasonOf(error), cause: error },
          'connecting',
        )
      }
    })
  }

  /** Opens the publisher ahead of its first use. Resolves to the failure if there is one. */
  open(signal: AbortSignal): Promise<PublishFailure | undefined> {
    return this.#inLine(async () => {
      const publisher = await this.#ready(signal)
      return 'publish' in publisher ? undefined : publisher
    })
  }

  /** Lets go, after what is under way. */
  async close(graceMs: number): Promise<void> {
    await this.#inLine(async () => {
      await this.#publisher?.close({ graceMs })
      this.#publisher = undefined
    })
  }

  #inLine<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#waiting++
    const turn = this.#line.then(work).finally(() => {
      this.#waiting--
    })
    this.#line = turn.catch(() => undefined)
    return turn
  }

  /** A publisher that can be used, or why there is none. */
  async #ready(signal: AbortSignal, isEager = false): Promise<Publisher | PublishFailure> {
    const pauseMs = this.#notBefore - performance.now()
    if (pauseMs > 0 && !(isEager && this.#pausesFor === 'publishing'))
      await this.#clock.pause(pauseMs, signal)
    if (signal.aborted) return ended
    this.#notBefore = 0
    if (this.#publisher?.state === 'ready') return this.#publisher
    const publisher = this.#transport.publisher({ succeeds: this.#identity })
    try {
      await publisher.open()
      this.#publisher = publisher
      this.#identity = publisher.identity
      this.#recovered('connecting')
      return publisher
    } catch (error) {
      return this.#discard(
        publisher,
        { kind: 'retriable', reason: reasonOf(error), cause: error },
        'connecting',
      )
    }
  }

  async #judge(publisher: Publisher, result: PublishResult): Promise<void> {
    const failure = failureOf(result)
    if (failure === undefined) return this.#recovered('publishing')
    // the broker answered: a record or a topic is at fault, and waiting would change nothing
    if (failure.kind === 'record' || failure.kind === 'topic') {
      if (publisher.state !== 'ready') await this.#close(publisher)
      return
    }
    await this.#discard(publisher, failure, 'publishing')
  }

  /** Notes a failure that says nothing about the records, and throws the publisher away if it is of no use any more. */
  async #discard(publisher: Publisher, failure: PublishFailure, at: Trouble['at']): Promise<PublishFailure> {
    this.#failures++
    this.#instruments.failures.add(1)
    this.#notBefore = performance.now() + backoffMs(this.#failures, lanePolicy, Math.random())
    this.#pausesFor = at
    if (this.#trouble === undefined)
      this.#logger.warn(
        { code: codeOf(failure), reason: failure.reason, transport: this.#transport.name },
        'waiting for Kafka: publishing does not get through and is tried again',
      )
    this.#trouble = { at, reason: failure.reason }
    if (publisher.state !== 'ready') await this.#close(publisher)
    return failure
  }

  async #close(publisher: Publisher): Promise<void> {
    if (this.#publisher === publisher) this.#publisher = undefined
    await publisher.close({ graceMs: closeGraceMs })
  }

  /** A connection alone does not prove that publishing gets through again. */
  #recovered(at: Trouble['at']): void {
    if (at === 'publishing') this.#failures = 0
    if (this.#trouble === undefined || (at === 'connecting' && this.#trouble.at === 'publishing')) return
    this.#trouble = undefined
    this.#logger.info({ transport: this.#transport.name }, 'Kafka answers again')
  }
}

type Trouble = { readonly at: 'connecting' | 'publishing'; readonly reason: string }

function codeOf({ cause }: PublishFailure): ErrorCode {
  return isBackstitchError(cause) ? cause.code : 'KAFKA_UNREACHABLE'
}

const ended: PublishFailure = { kind: 'retriable', reason: 'the tenure of this outbox has ended' }

/** Whether nothing was sent because Kafka could not be reached at all. */
export function isUnsent(failure: PublishFailure): boolean {
  return 'isUnsent' in failure
}

function failed(failure: PublishFailure & { readonly isUnsent?: boolean }): PublishResult {
  return { kind: 'failed', failure }
}

/** The failure that counts most: one that says nothing about the records comes before one that does. */
function failureOf(result: PublishResult): PublishFailure | undefined {
  if (result.kind === 'acknowledged') return undefined
  if (result.kind === 'failed') return result.failure
  const failures = [...result.failures.values()]
  return failures.find(({ kind }) => kind === 'unknown' || kind === 'retriable') ?? failures[0]
}
