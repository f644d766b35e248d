import type { EachBatchPayload, KafkaMessage } from 'kafkajs'
import type { ReceivedRecord } from '../../../transport/subscriber.ts'

type HeaderValue = Buffer | string | null | undefined

/** The records of a kafkajs batch. */
export function receivedRecords({ batch }: EachBatchPayload): ReceivedRecord[] {
  const { topic, partition } = batch
  return batch.messages.map((message) => receivedRecord(topic, partition, message))
}

function receivedRecord(topic: string, partition: number, message: KafkaMessage): ReceivedRecord {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: message.key,
    value: message.value,
    headers: headersOf(message.headers),
    timestampMs: Number(message.timestamp),
  }
}

/**
 * kafkajs groups headers by name. Where a name is one that every object has, such as `constructor`, it mixes in what the object had
 * under it; only bytes and nulls can have come from the topic. A null has no place in the port and becomes empty.
 */
function headersOf(headers: KafkaMessage['headers']): (readonly [name: string, value: Buffer])[] {
  const list: (readonly [string, Buffer])[] = []
  for (const name in headers) {
    const value: HeaderValue | HeaderValue[] = headers[name]
    if (Buffer.isBuffer(value)) list.push([name, value])
    else if (value === null) list.push([name, nothing])
    else if (Array.isArray(value)) {
      for (const each of value) {
        if (Buffer.isBuffer(each)) list.push([name, each])
        else if (each === null) list.push([name, nothing])
      }
    }
  }
  return list
}

const nothing = Buffer.alloc(0)
