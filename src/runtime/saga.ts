import { type Codec, jsonCodec } from '../message/codec.ts'
import { type BodyLimits, defaultBodyLimits } from '../message/limits.ts'
import { type TraceContextSource, traceOfHandler } from '../message/trace-context.ts'
import { pgOutboxStore } from '../postgres/pg-outbox-store.ts'
import { pgSagaStartStore } from '../postgres/saga/pg-saga-start-store.ts'
import { defaultSchema } from '../postgres/schema-name.ts'
import { createSagaBuilder } from '../saga/definition/startable-saga.ts'
import { advance, startSaga } from '../saga/machine/saga-machine.ts'
import { type SagaStart, sagaStarter } from '../saga/start/saga-starter.ts'

/** The type of {@link saga}. */
export type SagaFunction = ReturnType<typeof createSagaBuilder<SagaStart>>

/**
 * Makes the function {@link saga} for other settings than the usual ones.
 *
 * @param options.schema where the tables are, of sagas and of the outbox, in the databases that sagas are started from. Default `backstitch`
 * @param options.codec how the first commands are encoded. Default JSON
 * @param options.limits how large and how deep they may be. Default 900,000 bytes and 64 levels
 * @param options.traceContext asks your tracer where the one who starts a saga stands. Default: the trace of the message whose handler runs
 * @example export const saga = sagaFunction({ schema: 'messaging' })
 */
export function sagaFunction(
  options: {
    readonly schema?: string
    readonly codec?: Codec
    readonly limits?: BodyLimits
    readonly traceContext?: TraceContextSource
  } = {},
): SagaFunction {
  const {
    schema = defaultSchema,
    codec = jsonCodec,
    limits = defaultBodyLimits,
    traceContext = traceOfHandler,
  } = options
  return createSagaBuilder(
    sagaStarter({
      store: pgSagaStartStore(schema),
      outbox: pgOutboxStore(schema),
      machine: { startSaga, advance },
      encoding: { codec, limits },
      traceContext,
    }),
  )
}

/**
 * Begins the definition of a saga. What `build()` gives is handed to an orchestrator, and started with `start(tx, input)` in the caller’s
 * transaction.
 *
 * @example
 * export const placeOrder = saga('place-order', { version: 1, input: Order, key: (order) => order.orderId })
 *   .step('reserve', { send: ReserveStock, with: ({ input }) => input, undo: { send: ReleaseStock, with: ({ input }) => ({ orderId: input.orderId }) } })
 *   .pivot('charge', { send: ChargeCard, with: ({ input }) => ({ orderId: input.orderId, amount: input.total }) })
 *   .build()
 *
 * const { id, started } = await placeOrder.start(tx, order)
 */
export const saga: SagaFunction = sagaFunction()
