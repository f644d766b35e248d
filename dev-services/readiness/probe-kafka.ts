import { connect } from 'node:net'

const ANSWER_WITHIN_MS = 1_000
const METADATA = 3
const VERSION = 4
const CORRELATION_ID = 1

/**
 * Resolves when the broker at `address` (`host:port`) answers a metadata request and counts itself as part of the
 * cluster; rejects otherwise, within about a second. An open port alone is not enough: a broker listens before it has
 * joined. With `clusterId`, a broker of another cluster that took the port meanwhile is refused too.
 *
 * The request is written by hand (Kafka protocol, Metadata v4), so that a probe needs no client library.
 */
export function probeKafka(address: string, clusterId?: string): Promise<void> {
  const colon = address.lastIndexOf(':')
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) })
    let received = Buffer.alloc(0)
    const finish = (refusal?: Error): void => {
      socket.destroy()
      if (refusal === undefined) resolve()
      else reject(refusal)
    }
    socket.setTimeout(ANSWER_WITHIN_MS, () => finish(new Error('no answer to a metadata request')))
    socket.once('error', finish)
    socket.once('close', () => finish(new Error('the connection was closed')))
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
      try {
        const found = readMetadata(received)
        if (found.brokers === 0) finish(new Error('the cluster has no broker yet'))
        else if (clusterId !== undefined && found.clusterId !== clusterId)
          finish(new Error('another cluster answered'))
        else finish()
      } catch {
        finish(new Error('the answer is not one of Kafka'))
      }
    })
  })
}

function metadataRequest(): Buffer {
  const client = Buffer.from('backstitch-probe')
  const body = Buffer.alloc(2 + 2 + 4 + 2 + client.length + 4 + 1)
  let at = body.writeInt16BE(METADATA, 0)
  at = body.writeInt16BE(VERSION, at)
  at = body.writeInt32BE(CORRELATION_ID, at)
  at = body.writeInt16BE(client.length, at)
  at += client.copy(body, at)
  at = body.writeInt32BE(0, at) // no topics
  body.writeUInt8(0, at) // create none
  const size = Buffer.alloc(4)
  size.writeInt32BE(body.length)
  return Buffer.concat([size, body])
}

/** @throws RangeError (or a wrong count) on bytes that are not a metadata answer */
function readMetadata(answer: Buffer): { brokers: number; clusterId: string } {
  let at = 4
  const int32 = (): number => {
    at += 4
    return answer.readInt32BE(at - 4)
  }
  const text = (): string => {
    const length = answer.readInt16BE(at)
    at += 2 + Math.max(0, length)
    return answer.toString('utf8', at - Math.max(0, length), at)
  }
  if (int32() !== CORRELATION_ID) throw new RangeError('not the answer to our request')
  int32() // throttle time
  const brokers = int32()
  for (let index = 0; index < brokers; index += 1) {
    int32() // node id
    text() // host
    int32() // port
    text() // rack
  }
  return { brokers, clusterId: text() }
}
