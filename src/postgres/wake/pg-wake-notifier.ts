import { Client, type Pool } from 'pg'
import { defaultSchema } from '../schema-name.ts'
import { wakeChannel } from './wake-channel.ts'

/** Tells relays of other processes that something was committed. */
export type WakeNotifier = {
  /** Call it after a commit that wrote to the outbox: as often as you like, it costs nothing. Never throws. */
  notify(): void
  /** Lets go of the connection. */
  stop(): Promise<void>
}

/** After a failure to announce, the next try comes so much later: relays look by themselves meanwhile. */
const againAfterMs = 1_000

/** {@link WakeNotifier} with a connection of its own, made at the first use. `debounceMs`: at most one notification in so long. */
export function pgWakeNotifier(
  pool: Pool,
  { schema = defaultSchema, debounceMs = 5 }: { readonly schema?: string; readonly debounceMs?: number } = {},
): WakeNotifier {
  const channel = wakeChannel(schema)
  const { options } = pool
  let client: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let notBeforeMs = 0
  let sending: Promise<void> | undefined
  let isWanted = false
  let isStopped = false

  const send = async (): Promise<void> => {
    isWanted = false
    notBeforeMs = performance.now() + debounceMs
    try {
      client ??= await connect()
      await client.query(`notify ${channel}`)
    } catch {
      notBeforeMs = performance.now() + againAfterMs
      void client?.end().catch(() => undefined)
      client = undefined
    }
  }
  const connect = async (): Promise<Client> => {
    const made = new Client({
      ...options,
      ...(options.password !== undefined && { password: options.password }),
      keepAlive: true,
      application_name: 'backstitch notifier',
      connectionTimeoutMillis: 3_000,
      query_timeout: 3_000,
    })
    made.on('error', () => {
      if (client === made) client = undefined
    })
    await made.connect()
    return made
  }
  const schedule = (): void => {
    if (!isWanted || isStopped || sending !== undefined || timer !== undefined) return
    const begin = (): void => {
      timer = undefined
      sending = send().finally(() => {
        sending = undefined
        schedule()
      })
    }
    const waitMs = notBeforeMs - performance.now()
    if (waitMs <= 0) begin()
    else timer = setTimeout(begin, waitMs).unref()
  }
  return {
    notify: () => {
      isWanted = true
      schedule()
    },
    stop: async () => {
      isStopped = true
      clearTimeout(timer)
      await sending
      await client?.end().catch(() => undefined)
      client = undefined
    },
  }
}
