import { createRequire } from 'node:module'

/** A record as kafkajs’s own decoder reads it: somebody else’s reading of the format. */
type DecodedRecord = {
  readonly offset: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | Buffer[]>>
  readonly timestamp: string
}

export type DecodedBatch = {
  readonly firstOffset: string
  readonly lastOffsetDelta: number
  readonly producerId: string
  readonly producerEpoch: number
  readonly firstSequence: number
  readonly records: readonly DecodedRecord[]
}

const load = createRequire(import.meta.url)
const Decoder = load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => object
const decode = load('kafkajs/src/protocol/recordBatch/v0/decoder') as (
  decoder: object,
) => Promise<DecodedBatch>

/** Reads the batch that begins with its first offset. */
export async function decodedByKafkajs(batch: Buffer): Promise<DecodedBatch> {
  return decode(new Decoder(batch))
}
