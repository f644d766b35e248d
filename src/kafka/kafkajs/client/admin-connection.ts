import type { Admin } from 'kafkajs'
import { BackstitchError } from '../../../kernel/errors.ts'
import { kafkaError, protocolErrorType } from '../errors.ts'
import type { Client } from './client.ts'
import { settlesWithin } from '../../../transport/settles-within.ts'

/** One administrative call, its connection included, may take this long. */
const callDeadlineMs = 15_000

type Connected = { readonly client: Client; readonly admin: Admin }

/** A connection for administrative calls: made when it is first needed, made anew after it failed. One call at a time. */
export class AdminConnection {
  readonly #newClient: () => Client
  #connected: Connected | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(newClient: () => Client) {
    this.#newClient = newClient
  }

  /**
   * Runs one call. Calls wait for one another: kafkajs’s metadata refreshes of one client get into each other’s way.
   *
   * @param place what is asked, for the error: `partitions of outbox.event.order`
   * @throws what the broker answered, as kafkajs throws it (it has a `protocolErrorType`)
   * @throws `KAFKA_UNREACHABLE`, `KAFKA_ACCESS_DENIED` when there was no answer
   */
  use<Result>(place: string, call: (admin: Admin) => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(() => this.#call(place, call))
    this.#turn = result.catch(() => undefined)
    return result
  }

  /** Lets go of the connection within `graceMs`. Never rejects; a later call fails. */
  async close(graceMs = 1_000): Promise<void> {
    this.#isClosed = true
    const connected = this.#connected
    this.#connected = undefined
    if (connected === undefined) return
    await settlesWithin(connected.admin.disconnect(), graceMs)
    connected.client.cutOff()
  }

  async #call<Result>(place: string, call: (admin: Admin) => Promise<Result>): Promise<Result> {
    if (this.#isClosed) throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: the connection was closed`)
    const result = this.#admin().then(call)
    try {
      if (await settlesWithin(result, callDeadlineMs)) return await result
      throw new BackstitchError('KAFKA_UNREACHABLE', `${place}: no answer within ${callDeadlineMs} ms`)
    } catch (thrown) {
      if (protocolErrorType(thrown) !== undefined) throw thrown
      this.#discard()
      throw kafkaError(thrown, place)
    }
  }

  async #admin(): Promise<Admin> {
    if (this.#connected === undefined) {
      const client = this.#newClient()
      this.#connected = { client, admin: client.kafka.admin() }
    }
    const { admin } = this.#connected
    await admin.connect() // at once where it is connected
    return admin
  }

  #discard(): void {
    this.#connected?.client.cutOff()
    this.#connected = undefined
  }
}
