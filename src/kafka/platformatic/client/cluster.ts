import { type Broker, Connection, metadataV12 } from '@platformatic/kafka'
import { BackstitchError } from '../../../kernel/errors.ts'
import { settlesWithin } from '../../../transport/settles-within.ts'
import { type Api, ask } from './ask.ts'
import { addressOf } from './broker-health.ts'
import { BrokerRefusal } from './broker-refusal.ts'
import type { ClientSettings } from './client-settings.ts'
import { code } from './error-codes.ts'
import type { MetadataAnswer } from './topic-view.ts'

/** The key of connections to brokers whose number is not known yet. */
type Node = number | string

type Candidate = { readonly node: Node; readonly broker: Broker }

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

  /** A connection to whichever broker can be reached. @throws `KAFKA_UNREACHABLE` and what the library throws when none can */
  async any(): Promise<Connection> {
    let failure: unknown
    for (const { node, broker } of this.#candidates()) {
      try {
        return await this.#connection(node, broker)
      } catch (thrown) {
        if (this.#isCutOff) throw thrown
        this.#settings.health.failed(broker)
        failure = thrown
      }
    }
    throw failure
  }

  /**
   * Asks whichever broker answers: the next one too where one is silent for {@link nextBrokerAfterMs}. For questions only, since several
   * brokers may come to do it.
   * @throws `KAFKA_UNREACHABLE` and what the library throws when none answers
   */
  async askAny<Request extends unknown[], Answer>(
    api: Api<Request, Answer>,
    ...request: Request
  ): Promise<Answer> {
    const { health } = this.#settings
    const asked: Promise<Answer>[] = []
    let failure: unknown
    for (const { node, broker } of this.#candidates()) {
      const asking = this.#connection(node, broker).then((connection) => ask(connection, api, ...request))
      const noted = asking.then(
        () => health.answered(broker),
        (thrown: unknown) => {
          if (!this.#isCutOff) health.failed(broker)
          failure = thrown
        },
      )
      asked.push(noted.then(() => asking))
      const first = Promise.any(asked)
      if (!(await settlesWithin(first, nextBrokerAfterMs))) health.failed(broker)
      else if (await first.then(isSo, isNotSo)) return first
      else if (this.#isCutOff) break
    }
    return Promise.any(asked).catch(() => {
      throw failure
    })
  }

  /** A connection to the broker that administers the others. */
  async controller(): Promise<Connection> {
    if (this.#controller < 0) await this.describe([])
    return this.#brokers.has(this.#controller) ? this.broker(this.#controller) : this.any()
  }

  /** What a broker knows of topics, just now. Topics are never created by it. */
  async describe(topics: readonly string[]): Promise<MetadataAnswer> {
    const answer = await this.askAny(metadataV12.api, [...topics], false, false)
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

  /** Brokers to turn to: first those that are connected, last those that failed. */
  #candidates(): Candidate[] {
    const given = this.#settings.brokers.map((broker): Candidate => ({ node: addressOf(broker), broker }))
    const known = [...this.#brokers].map(([node, broker]): Candidate => ({ node, broker }))
    const all = [...given, ...known]
    const isOpen = ({ node }: Candidate): boolean => this.#open.has(node)
    const byAddress = new Map<string, Candidate>()
    for (const one of [...all.filter(isOpen), ...all])
      if (!byAddress.has(addressOf(one.broker))) byAddress.set(addressOf(one.broker), one)
    return this.#settings.health.inOrder([...byAddress.values()])
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

/** Long for a broker in good health, and several of them fit into the deadline of opening. */
const nextBrokerAfterMs = 2_000

const isSo = (): boolean => true
const isNotSo = (): boolean => false
