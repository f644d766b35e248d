import { connect } from 'node:net'

const ANSWER_WITHIN_MS = 1_000
const METADATA = 3
const VERSION = 4
const CORRELATION_ID = 1

/**
 * Resolves when the broker at `address` (`host:port`) answers a metadata request and counts itself as part of the
 * cluster; rejects otherwise, within about a second. An open port alone is not enough: a broker listens before it has
 * joined. The request is written by hand (Kafka protocol, Metadata v4) so that a probe needs no client library.
 */
export function probeKafka(address: string): Promise<void> {
  const colon = address.lastIndexOf(':')
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address.slice(0, colon), port: Number(address.slice(colon + 1)) })
    let received = Buffer.alloc(0)
    const finish = (error?: Error): void => {
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    socket.setTimeout(ANSWER_WITHIN_MS, () => finish(new Error('no answer to a metadata request')))
    socket.once('error', finish)
    socket.once('close', () => finish(new Error('the connection was closed')))
    socket.once('connect', () => socket.write(metadataRequest()))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return
      // size, correlation id, throttle time, then the array of brokers
      const brokers = received.length >= 16 && received.readInt32BE(4) === CORRELATION_ID ? received.readInt32BE(12) : 0
      finish(brokers > 0 ? undefined : new Error('the cluster has no broker yet'))
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
