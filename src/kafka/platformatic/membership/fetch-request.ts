import { type Connection, fetchV13, type Reader } from '@platformatic/kafka'
import type { AbortedTransaction } from '../decoding/record-batches.ts'

const apiKey = 1

/** The first version with topic ids: a topic that was deleted and made again is not taken for the old one. Brokers from 3.1 on take it. */
const apiVersion = 13

const bytesMax = 10_485_760
const partitionBytesMax = 1_048_576
const readCommitted = 1

/** One partition to be fetched. */
export type FetchTarget = { readonly topicId: string; readonly partition: number; readonly position: bigint }

/** What a broker answered for a partition. */
export type FetchAnswer = {
  readonly errorCode: number
  readonly highWatermark: bigint
  readonly aborted: readonly AbortedTransaction[]
  /** Record batches. */
  readonly bytes: Buffer
}

/** The answers by topic id and partition. */
export type FetchAnswers = {
  readonly errorCode: number
  readonly partitions: ReadonlyMap<string, ReadonlyMap<number, FetchAnswer>>
}

/** Fetches from one broker. It answers once there is something, or after `maxWaitMs`. @throws what the library throws */
export function fetchFrom(
  connection: Connection,
  targets: readonly FetchTarget[],
  maxWaitMs: number,
): Promise<FetchAnswers> {
  const topics = [...Map.groupBy(targets, ({ topicId }) => topicId)].map(([topicId, partitions]) => ({
    topicId,
    partitions: partitions.map(({ partition, position }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: position,
      lastFetchedEpoch: -1,
      partitionMaxBytes: partitionBytesMax,
    })),
  }))
  const [noSession, noEpoch, minBytes] = [0, -1, 1]
  return new Promise((resolve, reject) => {
    connection.send(
      apiKey,
      apiVersion,
      () =>
        fetchV13.createRequest(
          maxWaitMs,
          minBytes,
          bytesMax,
          readCommitted,
          noSession,
          noEpoch,
          topics,
          [],
          '',
        ),
      readFetchAnswers,
      true,
      true,
      (error, answers) => {
        if (error === null && answers !== undefined) return resolve(answers)
        connection.socket.destroy()
        reject(error ?? new Error('the broker’s answer is empty'))
      },
    )
  })
}

function readFetchAnswers(
  _correlationId: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Reader,
): FetchAnswers {
  reader.readInt32() // throttled for so long: the broker holds us up by itself
  const errorCode = reader.readInt16()
  reader.readInt32() // no session
  const topics = reader.readArray((): [string, ReadonlyMap<number, FetchAnswer>] => [
    reader.readUUID(),
    new Map(reader.readArray(() => readPartition(reader))),
  ])
  return { errorCode, partitions: new Map(topics) }
}

function readPartition(reader: Reader): [number, FetchAnswer] {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const highWatermark = reader.readInt64()
  reader.skip(8 + 8) // last stable offset, first offset of the log
  const aborted = reader.readArray(() => ({
    producerId: reader.readInt64(),
    firstOffset: reader.readInt64(),
  }))
  reader.readInt32() // another replica to read from: only for clients that name their rack
  const length = reader.readUnsignedVarInt() - 1
  if (length <= 0) return [partition, { errorCode, highWatermark, aborted, bytes: Buffer.alloc(0) }]
  const bytes = reader.buffer.slice(reader.position, reader.position + length)
  reader.skip(length)
  return [partition, { errorCode, highWatermark, aborted, bytes }]
}
