import { AsyncLocalStorage } from 'node:async_hooks'
import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import { type Clock, systemClock } from '../kernel/clock.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { type Codec, jsonCodec } from '../message/codec.ts'
import { type BodyLimits, defaultBodyLimits } from '../message/limits.ts'
import type { Message } from '../message/message.ts'
import { type TraceContextSource, traceOfHandler, withTrace } from '../message/trace-context.ts'
import { type BacklogLimit, backlogGuard } from './backlog-guard.ts'
import { dueTimeOf } from './due-time.ts'
import { outboxRowOf } from './outbox-row.ts'
import type { WriterStore } from './outbox-store.ts'
import type { CommittingTransactions, TransactionRunner } from './transaction-runner.ts'
import {
  type Buffered,
  BufferedUnit,
  type EnqueueOptions,
  type UnitOfWork,
  type UnitTools,
} from './unit-of-work.ts'

/** What consumers and participants need of an {@link Outbox}. */
export type OutboxWriter = {
  /** See {@link Outbox}. */
  enqueue(tx: CallerTransaction, messages: Message | readonly Message[]): Promise<void>
}

/** The write side of the outbox: messages commit, or roll back, with the domain change they speak of. */
export type Outbox = {
  /** The service that writes. */
  readonly service: string
  /**
   * Adds messages to the unit of work that the caller runs in, see {@link Outbox.transaction}: no transaction need be handed from function
   * to function.
   * @throws `UNIT_OF_WORK_MISSING` it runs in none, or that one has ended; `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
   */
  enqueue(messages: Message | readonly Message[], options?: EnqueueOptions): Promise<void>
  /**
   * Writes messages in the caller’s transaction, all with one statement, in their order. It has no connection of its own.
   *
   * For messages of one key to be published in commit order, lock the key’s row in an *earlier* statement than this one
   * (an `update` of the aggregate does), or use {@link Outbox.transaction}, which writes last of all.
   *
   * Nothing reaches the database when a message is refused, so the transaction stays usable.
   *
   * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `OUTBOX_BACKLOGGED`, `TRANSACTION_UNSUPPORTED`, `SCHEMA_MISSING`
   * @example
   * await knex.transaction(async (tx) => {
   *   await tx('orders').insert(order)
   *   await outbox.enqueue(tx, OrderPlaced.create(order))
   * })
   */
  enqueue(
    tx: CallerTransaction,
    messages: Message | readonly Message[],
    options?: EnqueueOptions,
  ): Promise<void>
  /**
   * Takes back a message that was enqueued with `notBefore` and is not due yet. It is taken back with the commit of the transaction.
   * @returns `false`: there is no such message, or it is on its way already
   * @throws `TRANSACTION_UNSUPPORTED`, `SCHEMA_MISSING`
   */
  cancel(tx: CallerTransaction, id: string): Promise<boolean>
  /**
   * Runs work in a transaction with a {@link UnitOfWork}: what is enqueued in it, by `outbox.enqueue(message)` wherever the work leads, is
   * inserted with one statement before the commit. After the commit `onCommitted` is told.
   *
   * @param run opens the transactions of your library
   * @returns what the work resolves with
   * @throws what the work or the commit rejects with; then nothing was written
   * @example
   * await outbox.transaction((work) => prisma.$transaction(work), async (tx) => {
   *   await tx.order.create({ data: order })
   *   await outbox.enqueue(OrderPlaced.create(order))
   * })
   */
  transaction<Tx extends CallerTransaction, Result>(
    run: TransactionRunner<Tx> | CommittingTransactions<Tx>,
    work: (tx: Tx, unit: UnitOfWork<Tx>) => Promise<Result>,
  ): Promise<Result>
  /** A {@link UnitOfWork} for a transaction that somebody else commits: {@link UnitOfWork.flush} must be called before. */
  unitOfWork<Tx extends CallerTransaction>(tx: Tx): UnitOfWork<Tx>
}

/** How an outbox writes. */
export type OutboxSettings = {
  readonly service: string
  /** How bodies are encoded. Default JSON. */
  readonly codec?: Codec
  /** How large and how deep a body may be. Default 900 kB and 64 levels. */
  readonly limits?: BodyLimits
  /** Takes no more messages, or fewer, while published ones lag behind. Default: takes them all. */
  readonly backlog?: BacklogLimit
  /**
   * Told after a commit of {@link Outbox.transaction} that wrote messages: `() => relay.wake()` where a relay runs in the same process. What
   * it throws is dropped, for the transaction is committed.
   */
  readonly onCommitted?: () => void
  /** Asks your tracer where the caller stands. Default: the trace of the message whose handler runs, if one does. */
  readonly traceContext?: TraceContextSource
  readonly clock?: Clock
}

/**
 * Makes an {@link Outbox} over a store. Applications call `createOutbox` of the package, which brings the store.
 * @throws `CONFIG_INVALID`
 */
export function outboxOver(store: WriterStore, settings: OutboxSettings): Outbox {
  const { service, codec = jsonCodec, limits = defaultBodyLimits, traceContext = traceOfHandler } = settings
  const { clock = systemClock } = settings
  const current = new AsyncLocalStorage<BufferedUnit>()
  const guard = settings.backlog && backlogGuard(settings.backlog, { ...store, clock })

  const encode: UnitTools['encode'] = (messages, options) => {
    const list = Array.isArray(messages) ? (messages as readonly Message[]) : [messages as Message]
    const rows = list.map((message) => outboxRowOf(withTrace(message, traceContext), codec, limits))
    const due = options?.notBefore === undefined ? undefined : dueTimeOf(options.notBefore, clock.now())
    return due ? { rows: [], deferred: rows.map((row) => ({ ...row, ...due })) } : { rows, deferred: [] }
  }
  const prepare = async (tx: CallerTransaction, { rows, deferred }: Buffered): Promise<void> => {
    if (rows.length > 0) await guard?.admit(tx)
    if (deferred.length > 0) await store.defer(tx, deferred)
  }
  const write: UnitTools['write'] = async (tx, buffered) => {
    await prepare(tx, buffered)
    if (buffered.rows.length > 0) await store.insert(tx, buffered.rows)
  }
  const tools: UnitTools = {
    encode,
    write,
    savepoint: (tx, work) => store.savepoint(tx, work),
    runIn: (unit, work) => current.run(unit, work),
  }
  const committed = (): void => {
    try {
      settings.onCommitted?.()
    } catch {
      // the caller’s transaction has been committed, and must not look as if it failed
    }
  }

  return {
    service,
    enqueue: async (...args: EnqueueArguments) => {
      const [first, second, third] = args
      if (!isMessages(first)) return write(first, encode(second as Messages, third))
      const unit = current.getStore()
      if (!unit) throw new BackstitchError('UNIT_OF_WORK_MISSING', 'Nothing around this call has opened one')
      unit.enqueue(first, second as EnqueueOptions | undefined)
    },
    cancel: (tx, id) => store.cancel(tx, id),
    unitOfWork: (tx) => new BufferedUnit(tx, tools),
    transaction: async <Tx extends CallerTransaction, Result>(
      run: TransactionRunner<Tx> | CommittingTransactions<Tx>,
      work: (tx: Tx, unit: UnitOfWork<Tx>) => Promise<Result>,
    ) => {
      let outcome: { readonly result: Result; readonly wrote: boolean } | undefined
      const workIn = async (tx: Tx): Promise<Buffered> => {
        const unit = new BufferedUnit(tx, tools)
        try {
          const result = await unit.run(() => work(tx, unit))
          const buffered = unit.take()
          outcome = { result, wrote: buffered.rows.length > 0 }
          return buffered
        } finally {
          unit.end()
        }
      }
      if (typeof run === 'function') await run(async (tx) => write(tx, await workIn(tx)))
      else
        await run.commitWith(async (tx) => {
          const buffered = await workIn(tx)
          await prepare(tx, buffered)
          return buffered.rows
        })
      if (!outcome)
        throw new BackstitchError(
          'TRANSACTION_UNSUPPORTED',
          'The function that opens transactions never did its work',
        )
      if (outcome.wrote) committed()
      return outcome.result
    },
  }
}

type Messages = Message | readonly Message[]
type EnqueueArguments =
  | [tx: CallerTransaction, messages: Messages, options?: EnqueueOptions | undefined]
  | [messages: Messages, options?: EnqueueOptions | undefined]

/** Tells the two forms of `enqueue` apart by what comes first. */
function isMessages(value: unknown): value is Messages {
  if (Array.isArray(value)) return true
  return typeof value === 'object' && value !== null && 'aggregateType' in value && 'body' in value
}
