import type { Codec } from '../message/codec.ts'
import type { BodyLimits } from '../message/limits.ts'
import type { TraceContextSource } from '../message/trace-context.ts'
import { type Outbox, outboxOver } from '../outbox/outbox.ts'
import { pgOutboxStore } from '../postgres/pg-outbox-store.ts'
import { defaultSchema } from '../postgres/schema-name.ts'

/**
 * Makes the write side of a service’s outbox. It has no connection of its own: each message is written through the caller’s transaction
 * (a `pg` client, a knex transaction, or an object with `query(text, values)`).
 *
 * @param options.service the service that writes
 * @param options.schema where the tables are. Default `backstitch`
 * @param options.codec how bodies are encoded. Default JSON
 * @param options.limits how large and how deep a body may be. Default 900 kB and 64 levels
 * @param options.traceContext asks your tracer where the caller stands. Default: the trace of the message whose handler runs, if one does
 * @throws `CONFIG_INVALID` when the schema’s name is unusable
 * @example
 * const outbox = createOutbox({ service: 'orders' })
 * await knex.transaction(async (tx) => {
 *   await tx('orders').insert(order)
 *   await outbox.enqueue(tx, OrderPlaced.create(order))
 * })
 */
export function createOutbox(options: {
  readonly service: string
  readonly schema?: string
  readonly codec?: Codec
  readonly limits?: BodyLimits
  readonly traceContext?: TraceContextSource
}): Outbox {
  const { schema = defaultSchema, ...rest } = options
  return outboxOver(pgOutboxStore(schema), rest)
}
