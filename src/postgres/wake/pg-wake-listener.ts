import { randomUUID } from 'node:crypto'
import { Client, type ClientConfig } from 'pg'
import { reasonOf } from '../../kernel/errors.ts'
import type { WakeEvents, WakeListener } from '../../relay/wake/wake-listener.ts'
import { wakeChannel } from './wake-channel.ts'

/** A listener that does not hear is tried again after so long; one that hears is proven again as often. */
const probeEveryMs = 60_000
/** A connection that is lost is made again after so long. */
const lostAfterMs = 1_000
const connectionLost = 'the connection was lost'
/** A connection, and then a notification of our own, may take so long. */
const probeWithinMs = 5_000

/**
 * Listens for the announcements of writers on a connection of its own, and proves that it hears: a second connection, made the way a writer
 * makes one, announces something, and only when that arrives is it believed. Behind a pooler in transaction mode and on a standby it does not;
 * it then says so and tries again later.
 */
export function pgWakeListener(config: ClientConfig, schemaName: string, events: WakeEvents): WakeListener {
  const channel = wakeChannel(schemaName)
  let isClosed = false
  let isUnderWay = false
  let isLost = false
  let listening: Client | undefined
  let next: NodeJS.Timeout | undefined
  let expected = ''
  let proof = Promise.withResolvers<void>()

  /** One at a time: whoever ends a round, or finds its connection lost between two, begins the next. */
  const round = async (): Promise<void> => {
    isUnderWay = true
    isLost = false
    try {
      listening ??= await listen()
      await prove()
      if (!isClosed) events.onState(true)
    } catch (error) {
      letGo(listening)
      listening = undefined
      if (!isClosed) events.onState(false, reasonOf(error))
    }
    isUnderWay = false
    goOnIn(isLost ? lostAfterMs : probeEveryMs)
  }

  const goOnIn = (ms: number): void => {
    clearTimeout(next)
    if (!isClosed) next = setTimeout(() => void round(), ms).unref()
  }

  const lost = (client: Client): void => {
    if (isClosed || listening !== client) return
    isLost = true
    listening = undefined
    events.onState(false, connectionLost)
    if (isUnderWay) proof.reject(new Error(connectionLost))
    else goOnIn(lostAfterMs)
  }

  const assertOpen = (): void => {
    if (isClosed) throw new Error('closed')
  }

  const listen = async (): Promise<Client> => {
    const client = await connected(config, 'backstitch relay wake-up')
    try {
      client.on('notification', ({ payload }) => {
        if (payload === '') events.onWake()
        else if (payload === expected) proof.resolve()
      })
      client.on('end', () => lost(client))
      await client.query(`listen ${channel}`)
      // whoever closed meanwhile did not see this connection
      assertOpen()
      return client
    } catch (error) {
      letGo(client)
      throw error
    }
  }

  const prove = async (): Promise<void> => {
    assertOpen()
    expected = randomUUID()
    proof = Promise.withResolvers()
    // it may fail before anybody waits for it
    proof.promise.catch(() => undefined)
    const writer = await connected(config, 'backstitch relay wake-up')
    try {
      await writer.query('select pg_notify($1, $2)', [channel, expected])
    } finally {
      letGo(writer)
    }
    const timer = setTimeout(
      () =>
        proof.reject(
          new Error('a notification of our own did not arrive: is there a pooler in transaction mode?'),
        ),
      probeWithinMs,
    )
    await proof.promise.finally(() => clearTimeout(timer))
  }

  void round()
  return {
    close: () => {
      isClosed = true
      clearTimeout(next)
      proof.promise.catch(() => undefined)
      proof.reject(new Error('closed'))
      letGo(listening)
      listening = undefined
    },
  }
}

async function connected(config: ClientConfig, name: string): Promise<Client> {
  const client = new Client({
    ...config,
    keepAlive: true,
    application_name: name,
    connectionTimeoutMillis: probeWithinMs,
    query_timeout: probeWithinMs,
  })
  client.on('error', () => undefined)
  try {
    await client.connect()
    return client
  } catch (error) {
    letGo(client)
    throw error
  }
}

function letGo(client: Client | undefined): void {
  void client?.end().catch(() => undefined)
}
