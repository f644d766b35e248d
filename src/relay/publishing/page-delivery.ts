import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { PublishFailure } from '../../transport/publisher.ts'
import type { HeldPartitions } from '../quarantine/held-partitions.ts'
import type { Parked } from '../quarantine/parked.ts'
import type { ParkedRow } from '../quarantine/quarantine-session.ts'
import { partitionOfRow } from '../record/partition-of-row.ts'
import { recordOfRow } from '../record/record-of-row.ts'
import { type OutboxTuple, at, textAt } from '../source/outbox-tuple.ts'
import { recordLag } from '../telemetry/record-lag.ts'
import { type RelayInstruments, silentRelayInstruments } from '../telemetry/relay-metrics.ts'
import type { Batch, BatchEntry } from './batch-entry.ts'
import { batchesOf } from './batches-of.ts'
import { type ApartOwner, publishApart } from './publish-apart.ts'
import { publishInOrder } from './publish-in-order.ts'
import type { PublishScope } from './publish-scope.ts'
import type { PublisherLanes } from './publisher-lanes.ts'
import type { TopicDirectory } from './topic-directory.ts'

/** A page up to so many rows goes out in one request, through whichever lane is idle: splitting it would only cost. */
const smallPageRows = 48

/** What a delivery needs. */
export type DeliveryOptions = {
  readonly lanes: PublisherLanes
  readonly topics: TopicDirectory
  readonly parked: Parked
  readonly held: Pick<HeldPartitions, 'hold' | 'count'>
  readonly scope: PublishScope
  /** Default false. */
  readonly sequenceHeader?: boolean
  readonly signals: TestSignals
  readonly logger: Logger
  /** Default: nothing is measured. */
  readonly instruments?: RelayInstruments
}

/**
 * Publishes the pages of one outbox. Several may be under way: a partition belongs to one lane, and within a lane the parts of pages go out
 * one after the other, so that per key no row leaves before the one before it is settled.
 */
export class PageDelivery {
  readonly #options: DeliveryOptions
  readonly #tails: Promise<void>[]
  readonly #instruments: RelayInstruments
  /** Pages are cut up in their order, also when one of them has to wait for Kafka to name the partitions of its topic. */
  #cutting: Promise<unknown> = Promise.resolve()
  #published = 0
  #settled: ReadonlyMap<string, string> | undefined

  constructor(options: DeliveryOptions) {
    this.#options = options
    this.#instruments = options.instruments ?? silentRelayInstruments
    this.#tails = options.lanes.all.map(() => Promise.resolve())
  }

  /** Rows that are passed over where they are read again: ids by `seq`. */
  passOver(settled: ReadonlyMap<string, string>): void {
    this.#settled = settled.size > 0 ? settled : undefined
  }

  /** Records acknowledged so far. */
  get published(): number {
    return this.#published
  }

  /**
   * Resolves once each row of the page is either acknowledged or to be parked.
   * @param alone no other page is under way, nor will be until this one is done
   * @returns the rows to be parked
   * @throws TenureEnded
   */
  async deliver(rows: readonly OutboxTuple[], alone: boolean): Promise<readonly ParkedRow[]> {
    const parkedRows: ParkedRow[] = []
    const parts = this.#cutting.then(async () =>
      this.#partsOf(
        await this.#entriesOf(rows, parkedRows),
        parkedRows,
        alone && rows.length <= smallPageRows,
      ),
    )
    this.#cutting = parts.catch(() => undefined)
    await Promise.all(await parts)
    this.#options.held.count(parkedRows.filter(({ code }) => code === 'OUTBOX_PARTITION_HELD').length)
    return parkedRows
  }

  /** Resolves once nothing is under way any more, well or not. */
  async settled(): Promise<void> {
    await this.#cutting
    await Promise.allSettled(this.#tails)
  }

  async #entriesOf(rows: readonly OutboxTuple[], parkedRows: ParkedRow[]): Promise<BatchEntry[]> {
    const { parked, topics, sequenceHeader } = this.#options
    const entries: BatchEntry[] = []
    const settled = this.#settled
    let type: string | undefined
    let topic = ''
    let partitions: number | undefined
    for (const row of rows) {
      if (settled && settled.get(textAt(row, 'seq')) === textAt(row, 'id')) continue
      if (type === undefined || !isOfType(row, type)) {
        type = textAt(row, 'aggregatetype')
        topic = topics.nameOf(type)
        partitions = topics.known(topic)?.partitions ?? (await this.#partitionsOf(topic))
      }
      const partition = partitions === undefined ? undefined : partitionOfRow(row, partitions)
      const cause = parked.isEmpty ? undefined : parked.causeOf(topic, textAt(row, 'aggregateid'), partition)
      if (cause) parkedRows.push({ seq: textAt(row, 'seq'), topic, ...cause })
      else if (partition !== undefined)
        entries.push({ row, record: recordOfRow(row, topic, partition, sequenceHeader) })
    }
    return entries
  }

  /** `undefined` for a topic that is parked, now or before. */
  async #partitionsOf(topic: string): Promise<number | undefined> {
    const { parked, topics } = this.#options
    if (parked.holdsTopic(topic)) return undefined
    const found = await topics.look(topic)
    if (found.partitions === undefined) this.#parkTopic(topic, found.reason)
    return found.partitions
  }

  /** Hands the entries to their lanes. The promises of the parts are in an array, for an outer promise would wait for them. */
  #partsOf(entries: readonly BatchEntry[], parkedRows: ParkedRow[], small: boolean): Promise<void>[] {
    if (entries.length === 0) return []
    if (small) return [this.#append(this.#options.lanes.idlest(), entries, parkedRows)]
    const byLane = new Map<number, BatchEntry[]>()
    for (const entry of entries) {
      const lane = this.#laneOf(entry)
      const part = byLane.get(lane)
      if (part) part.push(entry)
      else byLane.set(lane, [entry])
    }
    return [...byLane].map(([lane, part]) => this.#append(lane, part, parkedRows))
  }

  #laneOf({ record }: BatchEntry): number {
    const topic = this.#options.topics.known(record.topic)
    return ((topic?.partitions === undefined ? 0 : topic.laneOffset) + record.partition) % this.#tails.length
  }

  #append(lane: number, entries: readonly BatchEntry[], parkedRows: ParkedRow[]): Promise<void> {
    const { lanes } = this.#options
    const part = (this.#tails[lane] ?? Promise.resolve()).then(() =>
      this.#publish(lane, batchesOf(entries, lanes.batchSizeMax), parkedRows),
    )
    this.#tails[lane] = part
    return part
  }

  #publish(lane: number, batches: readonly Batch[], parkedRows: ParkedRow[]): Promise<void> {
    const { lanes, scope, signals } = this.#options
    const means = { lane: lanes.lane(lane), scope, signals }
    const doubted = new Set<string>()
    const owner: ApartOwner = {
      stillWanted: (batch) => this.#stillWanted(batch, parkedRows),
      onAcknowledged: (batch) => {
        this.#published += batch.length
        this.#instruments.published.add(batch.length)
        if (this.#instruments.isRecording) recordLag(this.#instruments.lag, batch, Date.now())
      },
      onRefused: (entry, { reason }) => this.#onRefused(entry, reason, parkedRows),
      onTopicFailure: (topic, batch, failure) =>
        this.#onTopicFailure(topic, batch, failure, parkedRows, doubted),
      onTrouble: (left) => publishApart(left, owner, lanes, means),
      onSick: (topic, partition, batch, { reason }, isProven) => {
        if (!this.#options.held.hold(topic, partition, reason, isProven)) return false
        this.#stillWanted(batch, parkedRows)
        return true
      },
    }
    return publishInOrder(batches, owner, means)
  }

  /** Without the entries that are held back by now: these are to be parked. */
  #stillWanted(batch: Batch, parkedRows: ParkedRow[]): Batch {
    const { parked } = this.#options
    if (parked.isEmpty) return batch
    return batch.filter(({ row, record: { topic, partition } }) => {
      const cause = parked.causeOf(topic, textAt(row, 'aggregateid'), partition)
      if (cause) parkedRows.push({ seq: textAt(row, 'seq'), topic, ...cause })
      return !cause
    })
  }

  #onRefused({ row, record: { topic } }: BatchEntry, reason: string, parkedRows: ParkedRow[]): void {
    const { parked, logger } = this.#options
    const [seq, key] = [textAt(row, 'seq'), textAt(row, 'aggregateid')]
    parked.parkKey(topic, key)
    parkedRows.push({ seq, topic, code: 'OUTBOX_RECORD_REFUSED', reason })
    logger.warn(
      { code: 'OUTBOX_RECORD_REFUSED', seq, topic, key, reason },
      'a key is parked: Kafka refuses its record',
    )
  }

  async #onTopicFailure(
    topic: string,
    batch: Batch,
    failure: PublishFailure,
    parkedRows: ParkedRow[],
    doubted: Set<string>,
  ): Promise<'blocked' | 'again'> {
    const { topics } = this.#options
    const now = await topics.look(topic)
    // it is there: a client that was told of another topic may have been confused, and a new one has a try before it is believed
    if (now.partitions !== undefined && !doubted.has(topic)) {
      doubted.add(topic)
      return 'again'
    }
    this.#parkTopic(topic, now.partitions === undefined ? now.reason : failure.reason)
    this.#stillWanted(batch, parkedRows)
    return 'blocked'
  }

  #parkTopic(topic: string, reason: string): void {
    const { parked, logger } = this.#options
    if (parked.holdsTopic(topic)) return
    parked.parkTopic(topic, reason)
    logger.warn(
      { code: 'OUTBOX_TOPIC_UNKNOWN', topic, reason },
      'a topic is parked: its rows wait until it can be written to',
    )
  }
}

function isOfType(row: OutboxTuple, type: string): boolean {
  return 'bytes' in row ? row.is(at.aggregatetype, type) : row[at.aggregatetype] === type
}
