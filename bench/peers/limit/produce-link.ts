import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { PlainRecord, ProducerIdentity, RecordBatchWriter } from './record-batch.ts'

const produceKey = 0
const produceVersion = 7
const initProducerIdKey = 22
const timeoutMs = 10_000

/** One connection to the one broker, over which several requests may be under way. No leaders, no retries: an error is the end. */
export class ProduceLink {
  /** What the broker knows this connection’s producer by. */
  producer: ProducerIdentity = { id: -1n, epoch: -1 }
  readonly #socket: Socket
  readonly #topic: Buffer
  readonly #waiting = new Map<number, (answer: Buffer) => void>()
  readonly #sequences = new Map<number, number>()
  #correlation = 0
  #received: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, topic: string) {
    this.#socket = socket
    this.#topic = Buffer.from(topic)
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  static async open(broker: string, topic: string): Promise<ProduceLink> {
    const [host, port] = broker.split(':')
    const socket = connect(Number(port), host ?? '')
    await once(socket, 'connect')
    const link = new ProduceLink(socket, topic)
    const ask = Buffer.alloc(20)
    const correlation = link.#correlation++
    ask.writeInt32BE(16, 0)
    ask.writeInt16BE(initProducerIdKey, 4)
    ask.writeInt16BE(0, 6)
    ask.writeInt32BE(correlation, 8)
    ask.writeInt16BE(-1, 12) // no client id
    ask.writeInt16BE(-1, 14) // no transactions
    ask.writeInt32BE(timeoutMs, 16)
    const answer = await link.#ask(correlation, ask)
    refuseError(answer.readInt16BE(4))
    link.producer = { id: answer.readBigInt64BE(6), epoch: answer.readInt16BE(14) }
    return link
  }

  /** One request with a batch for each partition that has records. */
  async produce(writer: RecordBatchWriter, records: readonly (readonly PlainRecord[])[]): Promise<void> {
    const { buffer } = writer
    const correlation = this.#correlation++
    buffer.writeInt16BE(produceKey, 4)
    buffer.writeInt16BE(produceVersion, 6)
    buffer.writeInt32BE(correlation, 8)
    buffer.writeInt16BE(-1, 12)
    buffer.writeInt16BE(-1, 14)
    buffer.writeInt16BE(-1, 16) // acks: all
    buffer.writeInt32BE(timeoutMs, 18)
    buffer.writeInt32BE(1, 22)
    buffer.writeInt16BE(this.#topic.length, 26)
    let at = 28 + this.#topic.copy(buffer, 28)
    buffer.writeInt32BE(records.filter((batch) => batch.length > 0).length, at)
    at += 4
    for (const [partition, batch] of records.entries()) {
      if (batch.length === 0) continue
      const sequence = this.#sequences.get(partition) ?? 0
      this.#sequences.set(partition, sequence + batch.length)
      buffer.writeInt32BE(partition, at)
      const end = writer.write(at + 8, batch, sequence)
      buffer.writeInt32BE(end - at - 8, at + 4)
      at = end
    }
    buffer.writeInt32BE(at - 4, 0)
    const answer = await this.#ask(correlation, Buffer.from(buffer.subarray(0, at)))
    refuseErrors(answer)
  }

  async #ask(correlation: number, request: Buffer): Promise<Buffer> {
    const { promise, resolve } = Promise.withResolvers<Buffer>()
    this.#waiting.set(correlation, resolve)
    this.#socket.write(request)
    return promise
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    while (this.#received.length >= 4) {
      const end = 4 + this.#received.readInt32BE(0)
      if (this.#received.length < end) return
      const correlation = this.#received.readInt32BE(4)
      this.#waiting.get(correlation)?.(this.#received.subarray(8, end))
      this.#waiting.delete(correlation)
      this.#received = this.#received.subarray(end)
    }
  }
}

/** Of a produce answer: topics, their name and partitions; of each its number, error, offset, time and start. */
function refuseErrors(answer: Buffer): void {
  let at = 4
  at += 2 + answer.readInt16BE(at)
  const partitions = answer.readInt32BE(at)
  at += 4
  for (let n = 0; n < partitions; n++) {
    refuseError(answer.readInt16BE(at + 4))
    at += 30
  }
}

function refuseError(code: number): void {
  if (code !== 0) throw new Error(`the broker answers with error ${code}`)
}
