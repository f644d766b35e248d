import { type Broker, Connection, metadataV12 } from '@platformatic/kafka'
import { BackstitchError } from '../../../kernel/errors.ts'
import { ask } from './ask.ts'
import { BrokerRefusal } from './broker-refusal.ts'
import type { ClientSettings } from './client-settings.ts'
import { code } from './error-codes.ts'
import type { MetadataAnswer } from './topic-view.ts'

/** The key of connections to brokers whose number is not known yet. */
type Node = number | string

/**
 * Connections to the brokers of a cluster, one each, made when they are needed. Each publisher, member and admin has one of its own, so that
 * nobody waits for another’s long requests and all of it can be cut off at once.
 */
export class Cluster {
  readonly #settings: ClientSettings
  readonly #requestTimeoutMs: number
  readonly #open = new Map<Node, Connection>()
  readonly #all = new Set<Connection>()
  readonly #connecting = new Map<Node, Promise<Connection>>()
  #brokers: ReadonlyMap<number, Broker> = new Map()
  #controller = -1
  #isCutOff = false

  /** @param requestTimeoutMs where it differs from the transport’s */
  constructor(settings: ClientSettings, requestTimeoutMs: number = settings.requestTimeoutMs) {
    this.#settings = settings
    this.#requestTimeoutMs = requestTimeoutMs
  }

  /** The connection to a broker if there is one that can be written to at once. */
  connected(node: number): Connection | undefined {
    const connection = this.#open.get(node)
    return connection?.isConnected() && !connection.socket.destroyed ? connection : undefined
  }

  /** The connection to a broker that metadata named. @throws what the library throws when it cannot be made */
  async broker(node: number): Promise<Connection> {
    const address = this.#brokers.get(node)
    if (address === undefined) throw new BrokerRefusal(code.leaderNotAvailable, `there is no broker ${node}`)
    return this.#connection(node, address)
  }

  /** A connection to a broker by its address. */
  brokerAt(node: number, address: Broker): Promise<Connection> {
    return this.#connection(node, address)
  }

  /** A connection to whichever broker answers. @throws `KAFKA_UNREACHABLE` and what the library throws when none does */
  async any(): Promise<Connection> {
    for (const node of this.#open.keys()) {
      const connection = await this.#alive(node)?.catch(() => undefined)
      if (connection !== undefined) return connection
    }
    const known = [...this.#brokers].filter(([node]) => node >= 0)
    const addresses: [Node, Broker][] = [
      ...this.#settings.brokers.map((broker): [Node, Broker] => [`${broker.host}:${broker.port}`, broker]),
      ...known,
    ]
    let failure: unknown
    for (const [node, address] of addresses) {
      try {
        return await this.#connection(node, address)
      } catch (thrown) {
        if (this.#isCutOff) throw thrown
        failure = thrown
      }
    }
    throw failure
  }

  /** A connection to the broker that administers the others. */
  async controller(): Promise<Connection> {
    if (this.#controller < 0) await this.describe([])
    return this.#brokers.has(this.#controller) ? this.broker(this.#controller) : this.any()
  }

  /** What a broker knows of topics, just now. Topics are never created by it. */
  async describe(topics: readonly string[]): Promise<MetadataAnswer> {
    const answer = await ask(await this.any(), metadataV12.api, [...topics], false, false)
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    this.#controller = answer.controllerId
    return answer
  }

  /** Destroys all sockets and makes no new ones: nothing more leaves. */
  cutOff(): void {
    this.#isCutOff = true
    // with an error, so that whoever waits for a connection hears of it at once
    for (const { socket } of this.#all) socket.destroy(new Error('this client was cut off'))
    this.#open.clear()
  }

  #connection(node: Node, address: Broker): Promise<Connection> {
    const alive = this.#alive(node)
    if (alive !== undefined) return alive
    const connecting = this.#connecting.get(node)
    if (connecting !== undefined) return connecting
    const connection = this.#connect(node, address).finally(() => this.#connecting.delete(node))
    this.#connecting.set(node, connection)
    return connection
  }

  /** The open connection to a broker, once it is fit for use: one that proves itself to the broker again must be left alone. */
  #alive(node: Node): Promise<Connection> | undefined {
    const connection = this.#open.get(node)
    if (connection === undefined || connection.socket.destroyed) return undefined
    return connection.isConnected() ? Promise.resolve(connection) : connection.ready().then(() => connection)
  }

  async #connect(node: Node, { host, port }: Broker): Promise<Connection> {
    this.#assertNotCutOff()
    const connection = new Connection(this.#settings.clientId, {
      ...this.#settings.connectionOptions(host),
      requestTimeout: this.#requestTimeoutMs,
    })
    // the library emits errors that it has told its caller already, and more than one
    connection.on('error', () => undefined)
    connection.once('close', () => {
      this.#all.delete(connection)
      if (this.#open.get(node) === connection) this.#open.delete(node)
    })
    const connected = connection.connect(host, port)
    this.#all.add(connection)
    connection.socket.on('error', () => undefined)
    try {
      await connected
      this.#assertNotCutOff()
    } catch (thrown) {
      this.#all.delete(connection)
      connection.socket.destroy()
      throw thrown
    }
    connection.socket.setKeepAlive(true, keepAliveDelayMs)
    this.#open.set(node, connection)
    return connection
  }

  #assertNotCutOff(): void {
    if (this.#isCutOff) throw new BackstitchError('KAFKA_UNREACHABLE', 'the connection was closed')
  }
}

const keepAliveDelayMs = 60_000
