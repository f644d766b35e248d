import type { Pool } from 'pg'
import { pgWakeNotifier, type WakeNotifier } from '../postgres/wake/pg-wake-notifier.ts'

/**
 * Makes what tells relays in other processes that something was committed, so that they need not find out by looking: an idle outbox is then
 * looked at four times a second, instead of fifty, and a row still leaves at once.
 *
 * It sends `NOTIFY` from a connection of its own, at most once in 5 ms. Never notify inside the transaction of a writer: its commit would then
 * take a lock of the whole cluster, and writers would wait for one another.
 *
 * @param options.database says how to connect; it is not used itself. Not through a pooler in transaction mode: announcements get lost there, and
 *   relays notice and go on looking
 * @param options.schema where the tables are. Default `backstitch`
 * @param options.debounceMs between two notifications at least. Default 5 ms
 * @example
 * const notifier = createNotifier({ database: pool })
 * const outbox = createOutbox({ service: 'orders', onCommitted: notifier.notify })
 */
export function createNotifier(options: {
  readonly database: Pool
  readonly schema?: string
  readonly debounceMs?: number
}): WakeNotifier {
  const { database, ...others } = options
  return pgWakeNotifier(database, others)
}
