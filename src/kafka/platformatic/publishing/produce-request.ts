import { type Connection, type Reader, Writer } from '@platformatic/kafka'
import type { BatchEncoder } from '../encoding/batch-encoder.ts'
import type { PartitionAnswer } from './produce-outcome.ts'

const apiKey = 0

/** The last version without tagged fields. Brokers from 2.4 on take it; it names the records that were refused. */
const apiVersion = 8

/** Acknowledged by all replicas that are in sync. */
const acksAll = -1

/** The broker’s answer by topic and partition. */
export type ProduceAnswer = ReadonlyMap<string, ReadonlyMap<number, PartitionAnswer>>

/** One batch for a partition; writes itself with its length before it. */
export type PartitionBatch = { readonly topic: string; readonly partition: number; write(): void }

/**
 * Writes a request into the encoder.
 * @param batches those of a topic must stand together
 * @param isFull asked before each batch but the first
 * @returns how many of the batches it has
 */
export function writeProduceRequest(
  encoder: BatchEncoder,
  batches: readonly PartitionBatch[],
  timeoutMs: number,
  isFull: () => boolean,
): number {
  encoder.start()
  encoder.int16(-1) // no transaction
  encoder.int16(acksAll)
  encoder.int32(timeoutMs)
  encoder.int32(0) // topics, counted below
  const topicsAt = encoder.length - 4
  let [topics, partitions, partitionsAt] = [0, 0, 0]
  let topic: string | undefined
  let written = 0
  for (const batch of batches) {
    if (written > 0 && isFull()) break
    if (batch.topic !== topic) {
      topic = batch.topic
      encoder.string(topic)
      partitionsAt = encoder.length
      encoder.int32(0) // partitions, counted below
      encoder.int32At(topicsAt, ++topics)
      partitions = 0
    }
    encoder.int32(batch.partition)
    batch.write()
    encoder.int32At(partitionsAt, ++partitions)
    written += 1
  }
  return written
}

/** Sends what the encoder holds; its buffer is free at once. The callback has the answer, or why there is none. */
export function sendProduceRequest(
  connection: Connection,
  encoder: BatchEncoder,
  onAnswer: (error: Error | null, answer?: ProduceAnswer) => void,
): void {
  let bytes = encoder.written
  let isTaken = false
  // the library copies the payload behind its header
  const payload = (): Writer => {
    isTaken = true
    return Writer.create().append(bytes)
  }
  connection.send(apiKey, apiVersion, payload, readProduceAnswer, false, false, onAnswer)
  // it may take it later, too, when the buffer holds something else
  if (!isTaken) bytes = Buffer.from(bytes)
}

/** Reads the answer to a request. */
export function readProduceAnswer(
  _correlationId: number,
  _apiKey: number,
  _apiVersion: number,
  reader: Reader,
): ProduceAnswer {
  const topics = new Map<string, Map<number, PartitionAnswer>>()
  each(reader, () => {
    const topic = reader.readString(false)
    // it stands there more than once where it did in the request
    const partitions = topics.get(topic) ?? new Map<number, PartitionAnswer>()
    topics.set(topic, partitions)
    each(reader, () => {
      const partition = reader.readInt32()
      const errorCode = reader.readInt16()
      reader.skip(8 + 8 + 8) // first offset, time of the append, first offset of the log
      const recordErrors: { place: number; detail: string | null }[] = []
      each(reader, () => {
        recordErrors.push({ place: reader.readInt32(), detail: reader.readNullableString(false) })
      })
      partitions.set(partition, { errorCode, recordErrors, detail: reader.readNullableString(false) })
    })
  })
  return topics
}

function each(reader: Reader, read: () => void): void {
  const count = reader.readInt32()
  for (let index = 0; index < count; index++) read()
}
