import { randomUUID } from 'node:crypto'
import { Client, type ClientConfig } from 'pg'
import { reasonOf } from '../../kernel/errors.ts'
import type { WakeEvents, WakeListener } from '../../relay/wake/wake-listener.ts'
import { wakeChannel } from './wake-channel.ts'

/** A listener that does not hear is tried again after so long; one that hears is proven again as often. */
const probeEveryMs = 60_000
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
  let listening: Client | undefined
  let retry: NodeJS.Timeout | undefined
  let expected = ''
  let proof = Promise.withResolvers<void>()

  const round = async (): Promise<void> => {
    try {
      listening ??= await listen()
      await prove()
      if (!isClosed) events.onState(true)
    } catch (error) {
      letGo(listening)
      listening = undefined
      if (!isClosed) events.onState(false, reasonOf(error))
    }
    if (!isClosed) retry = setTimeout(() => void round(), probeEveryMs).unref()
  }

  const listen = async (): Promise<Client> => {
    const client = await connected(config, 'backstitch relay wake-up')
    try {
      client.on('notification', ({ payload }) => {
        if (payload === '') events.onWake()
        else if (payload === expected) proof.resolve()
      })
      client.on('end', () => {
        if (isClosed || listening !== client) return
        listening = undefined
        events.onState(false, 'the connection was lost')
        clearTimeout(retry)
        retry = setTimeout(() => void round(), 1_000).unref()
      })
      await client.query(`listen ${channel}`)
      return client
    } catch (error) {
      letGo(client)
      throw error
    }
  }

  const prove = async (): Promise<void> => {
    expected = randomUUID()
    proof = Promise.withResolvers()
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
      clearTimeout(retry)
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
