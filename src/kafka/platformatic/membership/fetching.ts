import { type BackoffPolicy, backoffMs } from '../../../kernel/backoff.ts'
import { systemClock } from '../../../kernel/clock.ts'
import { reasonOf } from '../../../kernel/errors.ts'
import type { Logger } from '../../../kernel/logger.ts'
import { refusalCode } from '../client/broker-refusal.ts'
import type { Cluster } from '../client/cluster.ts'
import { code, codeName } from '../client/error-codes.ts'
import { listedAt, listOffsets } from '../client/offsets.ts'
import { TopicLeaders } from '../client/topic-leaders.ts'
import { readRecordBatches } from '../decoding/record-batches.ts'
import { type FetchAnswer, fetchFrom } from './fetch-request.ts'
import type { GroupSession } from './group-session.ts'
import type { PartitionReader } from './partition-reader.ts'

/**
 * While a partition has records in hand, the broker may hold a fetch for the others only shortly: soon it wants more, too. For this part of
 * the time for which it has had them already, ...
 */
const busyWaitPart = 1 / 8

/** ... but no shorter than this. */
const busyWaitMinMs = 10

/** What cannot be read is fetched again after this long. */
const unreadablePauseMs = 5_000

const retryPolicy: BackoffPolicy = { initialMs: 50, maxMs: 1_000, factor: 2 }

/** What fetching needs. */
export type FetchingSettings = {
  readonly cluster: Cluster
  readonly session: GroupSession
  readonly readers: readonly PartitionReader[]
  readonly maxWaitMs: number
  readonly signal: AbortSignal
  readonly logger: Logger
}

type Place = { readonly reader: PartitionReader; readonly topicId: string; readonly position: bigint }

/** Keeps the readers of a tenure in records: one request at a time to each broker that leads one of their partitions. */
export class Fetching {
  readonly #settings: FetchingSettings
  readonly #leaders: TopicLeaders
  /** Topics by the id under which they are read. */
  readonly #ids = new Map<string, string>()
  /** Brokers that are asked, or left alone for a while. */
  readonly #occupied = new Set<number>()
  /** Readers that are left alone for a while, since what they were given could not be read. */
  readonly #resting = new Set<PartitionReader>()
  /** Where they stood when it was told. */
  readonly #toldAt = new Map<PartitionReader, bigint>()
  #failures = 0
  #isFinding = false

  constructor(settings: FetchingSettings) {
    this.#settings = settings
    this.#leaders = new TopicLeaders(settings.cluster)
  }

  /** Fetches for whoever wants records; to be called whenever somebody may. */
  advance(): void {
    const { readers, signal } = this.#settings
    if (signal.aborted) return
    const byNode = new Map<number, { places: Place[]; busySinceMs: number | undefined }>()
    let isLost = false
    for (const reader of readers) {
      const leader = this.#leaders.leaderOf(reader.topic, reader.partition)
      const topicId = this.#ids.get(reader.topic)
      if (
        leader === undefined ||
        leader === 'missing' ||
        topicId === undefined ||
        reader.position === undefined
      ) {
        isLost = true
        continue
      }
      const node = byNode.get(leader) ?? { places: [], busySinceMs: undefined }
      byNode.set(leader, node)
      if (this.#resting.has(reader)) continue
      if (reader.isWanting) node.places.push({ reader, topicId, position: reader.position })
      else node.busySinceMs = Math.max(node.busySinceMs ?? 0, reader.takenAtMs)
    }
    for (const [node, { places, busySinceMs }] of byNode) {
      if (places.length > 0 && !this.#occupied.has(node)) void this.#fetch(node, places, busySinceMs)
    }
    if (isLost && !this.#isFinding) void this.#find()
  }

  async #fetch(node: number, places: readonly Place[], busySinceMs: number | undefined): Promise<void> {
    const { cluster, maxWaitMs, signal } = this.#settings
    this.#occupied.add(node)
    try {
      const connection = await cluster.broker(node)
      const targets = places.map(({ reader, topicId, position }) => ({
        topicId,
        position,
        partition: reader.partition,
      }))
      const answers = await fetchFrom(
        connection,
        targets,
        busySinceMs === undefined ? maxWaitMs : Math.min(maxWaitMs, busyWaitMs(busySinceMs)),
      )
      if (signal.aborted) return
      let isRefused = answers.errorCode !== code.none
      for (const place of places) {
        const answer = answers.partitions.get(place.topicId)?.get(place.reader.partition)
        if (answer !== undefined && !(await this.#delivered(place, answer))) isRefused = true
      }
      if (isRefused) await this.#pause()
      else this.#failures = 0
    } catch (thrown) {
      if (signal.aborted) return
      this.#settings.logger.debug(
        { broker: node, error: reasonOf(thrown) },
        'a fetch failed; it is tried again',
      )
      for (const { reader } of places) this.#leaders.forget(reader.topic)
      await this.#pause()
    } finally {
      this.#occupied.delete(node)
      this.advance()
    }
  }

  /** @returns whether the broker gave what was asked for; what becomes of one partition is no matter of the others */
  async #delivered(place: Place, answer: FetchAnswer): Promise<boolean> {
    const { topic, partition } = place.reader
    let error = codeName(answer.errorCode)
    try {
      if (answer.errorCode === code.none) return this.#deliver(place, answer)
      if (answer.errorCode === code.offsetOutOfRange) return await this.#leap(place)
    } catch (thrown) {
      error = reasonOf(thrown)
    }
    this.#settings.logger.debug({ topic, partition, error }, 'a fetch was refused; it is tried again')
    this.#leaders.forget(topic)
    return false
  }

  #deliver({ reader, position }: Place, { highWatermark, aborted, bytes }: FetchAnswer): true {
    const { topic, partition } = reader
    if (bytes.length === 0) return true
    try {
      const fetched = readRecordBatches(bytes, { topic, partition, offset: position }, aborted)
      reader.take(position, { ...fetched, highWatermark })
    } catch (thrown) {
      this.#rest(reader, position, reasonOf(thrown))
    }
    return true
  }

  /** It asks again after a while: another broker may lead the partition then, whose copy is sound. */
  #rest(reader: PartitionReader, position: bigint, error: string): void {
    const { logger, signal } = this.#settings
    const { topic, partition } = reader
    if (this.#toldAt.get(reader) !== position)
      logger.warn(
        { topic, partition, position: String(position), error },
        'records cannot be read; the partition stands still there, and they are fetched again now and then',
      )
    this.#toldAt.set(reader, position)
    this.#resting.add(reader)
    this.#leaders.forget(topic)
    void systemClock.pause(unreadablePauseMs, signal).then(() => {
      this.#resting.delete(reader)
      this.advance()
    })
  }

  /** To the first record there is: what it wanted was deleted, or never was. */
  async #leap({ reader, position }: Place): Promise<true> {
    const { topic, partition } = reader
    const earliest = (await this.#earliest(topic, [partition])).get(partition)
    // meanwhile it may have been sent elsewhere
    if (reader.position !== position) return true
    reader.seek(earliest)
    if (earliest !== undefined)
      this.#settings.logger.warn(
        { topic, partition, from: String(position), to: String(earliest) },
        'the offset to read at does not exist; reading goes on at the earliest',
      )
    return true
  }

  /** Finds out who leads partitions, and where those begin that are not read yet. */
  async #find(): Promise<void> {
    const { readers, signal } = this.#settings
    this.#isFinding = true
    try {
      for (const topic of new Set(readers.map((reader) => reader.topic))) {
        const own = readers.filter((reader) => reader.topic === topic)
        await this.#findTopic(topic, own)
        if (signal.aborted) return
      }
      const isLost = readers.some(
        ({ topic, partition }) => typeof this.#leaders.leaderOf(topic, partition) !== 'number',
      )
      if (isLost) await this.#pause()
    } catch (thrown) {
      if (signal.aborted) return
      const line = { error: reasonOf(thrown), code: refusalCode(thrown) }
      this.#settings.logger.debug(line, 'partitions are not found yet; they are asked for again')
      await this.#pause()
    } finally {
      this.#isFinding = false
      this.advance()
    }
  }

  async #findTopic(topic: string, readers: readonly PartitionReader[]): Promise<void> {
    const isKnown = (reader: PartitionReader): boolean =>
      typeof this.#leaders.leaderOf(topic, reader.partition) === 'number'
    if (!readers.every(isKnown)) await this.#leaders.ask(topic)
    const id = this.#leaders.idOf(topic)
    if (id === undefined || id === '' || !readers.some(isKnown)) return
    const before = this.#ids.get(topic)
    // made anew under the same name: what the group committed of the old one is gone with it
    if (before !== undefined && before !== id) for (const reader of readers) reader.seek(undefined)
    this.#ids.set(topic, id)
    const unread = readers.filter((reader) => reader.position === undefined && isKnown(reader))
    if (unread.length === 0) return
    const partitions = unread.map(({ partition }) => partition)
    const committed = (await this.#settings.session.committed(new Map([[topic, partitions]]))).get(topic)
    const fresh = partitions.filter((partition) => !committed?.has(partition))
    const earliest = fresh.length > 0 ? await this.#earliest(topic, fresh) : undefined
    for (const reader of unread)
      reader.seek(committed?.get(reader.partition) ?? earliest?.get(reader.partition))
  }

  async #earliest(topic: string, partitions: readonly number[]): Promise<ReadonlyMap<number, bigint>> {
    const leaders = new Map<number, number>()
    for (const partition of partitions) {
      const leader = this.#leaders.leaderOf(topic, partition)
      if (typeof leader === 'number') leaders.set(partition, leader)
    }
    return listOffsets(this.#settings.cluster, topic, leaders, listedAt.earliest)
  }

  #pause(): Promise<void> {
    this.#failures += 1
    return systemClock.pause(backoffMs(this.#failures, retryPolicy, Math.random()), this.#settings.signal)
  }
}

function busyWaitMs(sinceMs: number): number {
  return Math.max(busyWaitMinMs, Math.ceil((performance.now() - sinceMs) * busyWaitPart))
}
