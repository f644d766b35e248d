import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { quietRequestQueue } from '../../../src/kafka/kafkajs/client/quiet-request-queue.ts'

/** Kafka’s numbers of the requests that tests speak of. */
export const apiKeys = { produce: 0, fetch: 1, metadata: 3, findCoordinator: 10, heartbeat: 12 } as const

type Address = { readonly host: string; readonly port: number }

/**
 * Stands between a client and every broker of a cluster, one port each, and puts its own addresses into the answers that name brokers, so
 * that the client never finds a way around it. It can hang, cut connections, and lose single answers.
 */
export class BrokerProxy {
  readonly #targets: readonly Address[]
  readonly #servers: Server[] = []
  readonly #sockets = new Set<Socket>()
  readonly #seen = new Map<number, number>()
  readonly #links = new Set<{ isHanging: boolean }>()
  readonly #lose = new Set<number>()
  readonly #hold = new Set<number>()
  readonly #held: { readonly frame: Buffer; readonly target: Address }[] = []
  #isHanging = false
  #delayMs = 0
  #clients = new Set<Socket>()

  private constructor(targets: readonly Address[]) {
    this.#targets = targets
  }

  static async start(brokers: string[]): Promise<BrokerProxy> {
    quietRequestQueue()
    const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const cluster = await admin.describeCluster()
    await admin.disconnect()
    const proxy = new BrokerProxy(cluster.brokers)
    for (const target of cluster.brokers) {
      const server = createServer((client) => proxy.#join(client, target))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      proxy.#servers.push(server)
    }
    return proxy
  }

  get brokers(): string[] {
    return this.#servers.map((server) => `127.0.0.1:${(server.address() as AddressInfo).port}`)
  }

  /** From here on nothing passes, neither way; connections stay open, and new ones are accepted. */
  hang(): void {
    this.#isHanging = true
  }

  /** The connections of now are dead, though they stay open; new ones pass. */
  hangPresent(): void {
    for (const link of this.#links) link.isHanging = true
  }

  /** New connections pass again; those that hung are dead. */
  resume(): void {
    this.#isHanging = false
    this.cut()
  }

  /** From here on each answer takes so much longer. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /** Nothing more is read from the clients of now, so that their sockets fill up; the returned function ends it. */
  readSlowly(): () => void {
    const clients = [...this.#clients]
    for (const client of clients) client.pause()
    return () => {
      for (const client of clients) client.resume()
    }
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  /** The next answer to such a request gets lost; the connection stays. */
  loseNextAnswer(apiKey: number): void {
    this.#lose.add(apiKey)
  }

  /** The next such request is held up in the network; the connection stays. */
  holdNextRequest(apiKey: number): void {
    this.#hold.add(apiKey)
  }

  /** What was held up arrives after all. Resolves with the broker’s answers. */
  deliverHeld(): Promise<Buffer[]> {
    return Promise.all(
      this.#held.splice(0).map(async ({ frame, target }) => {
        const broker = connect(target)
        const answer = new Promise<Buffer>((resolve) => onFrame(broker, resolve))
        broker.write(frame)
        return answer.finally(() => broker.destroy())
      }),
    )
  }

  /** How many such requests have come from clients, those that hang included. */
  requests(apiKey: number): number {
    return this.#seen.get(apiKey) ?? 0
  }

  close(): void {
    this.cut()
    for (const server of this.#servers) server.close()
  }

  #join(client: Socket, target: Address): void {
    const broker = connect(target)
    this.#clients.add(client)
    client.once('close', () => this.#clients.delete(client))
    const asked = new Map<number, number>()
    const link = { isHanging: false }
    this.#links.add(link)
    const hangs = (): boolean => this.#isHanging || link.isHanging
    for (const [socket, peer] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        this.#sockets.delete(socket)
        this.#links.delete(link)
        peer.destroy()
      })
    }
    onFrame(client, (frame) => {
      const apiKey = frame.readInt16BE(4)
      this.#seen.set(apiKey, this.requests(apiKey) + 1)
      asked.set(frame.readInt32BE(8), apiKey)
      if (this.#hold.delete(apiKey)) this.#held.push({ frame: Buffer.from(frame), target })
      else if (!hangs()) broker.write(frame)
    })
    onFrame(broker, (frame) => {
      const apiKey = asked.get(frame.readInt32BE(4)) ?? -1
      asked.delete(frame.readInt32BE(4))
      if (hangs() || this.#lose.delete(apiKey)) return
      const namesBrokers = apiKey === apiKeys.metadata || apiKey === apiKeys.findCoordinator
      const answer = namesBrokers ? this.#readdressed(frame) : frame
      if (this.#delayMs === 0) client.write(answer)
      else setTimeout(() => client.write(answer), this.#delayMs)
    })
  }

  #readdressed(frame: Buffer): Buffer {
    let body = frame.subarray(4)
    for (const [index, target] of this.#targets.entries()) {
      const own = (this.#servers[index]!.address() as AddressInfo).port
      for (const form of ['plain', 'compact'] as const)
        body = replaceAll(
          body,
          addressBytes(target, form),
          addressBytes({ host: '127.0.0.1', port: own }, form),
        )
    }
    const length = Buffer.alloc(4)
    length.writeInt32BE(body.length)
    return Buffer.concat([length, body])
  }
}

/** Cuts the stream into the protocol’s frames: four bytes of length, then as many. */
function onFrame(socket: Socket, take: (frame: Buffer) => void): void {
  let buffered: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    while (buffered.length >= 4 && buffered.length >= 4 + buffered.readInt32BE(0)) {
      const end = 4 + buffered.readInt32BE(0)
      take(buffered.subarray(0, end))
      buffered = buffered.subarray(end)
    }
  })
}

/**
 * A broker’s address as the protocol writes it: the length of the host, the host, four bytes of port. Older versions of requests have two
 * bytes of length, newer ones (“compact”) one, of the length and one.
 */
function addressBytes({ host, port }: Address, form: 'plain' | 'compact'): Buffer {
  const length = form === 'plain' ? Buffer.from([0, host.length]) : Buffer.from([host.length + 1])
  const portBytes = Buffer.alloc(4)
  portBytes.writeInt32BE(port)
  return Buffer.concat([length, Buffer.from(host), portBytes])
}

function replaceAll(bytes: Buffer, from: Buffer, to: Buffer): Buffer {
  const parts: Buffer[] = []
  let start = 0
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, start)) {
    parts.push(bytes.subarray(start, at), to)
    start = at + from.length
  }
  parts.push(bytes.subarray(start))
  return Buffer.concat(parts)
}
