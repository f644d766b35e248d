import type { CallerTransaction } from '../kernel/caller-transaction.ts'
import { BackstitchError } from '../kernel/errors.ts'
import type { Message } from '../message/message.ts'
import type { DeferredRow, NotBefore } from './due-time.ts'
import type { OutboxRow } from './outbox-row.ts'

/** How a message is enqueued. */
export type EnqueueOptions = {
  /**
   * The message is held back until then: a time, or so long after now (`'15m'`). It comes into the outbox when it is due, and its place
   * among the messages of its key is that of its due time. Of several that are due the earliest goes first. Default: it is due at once.
   */
  readonly notBefore?: NotBefore
}

/**
 * The messages of one transaction, written with one statement at its end: after everything else that the transaction locks and writes, so
 * that two transactions on the same key publish in the order in which they commit, whenever they enqueue.
 *
 * The idea, and the name, are Fowler’s (Patterns of Enterprise Application Architecture, “Unit of Work”).
 */
export type UnitOfWork<Tx = CallerTransaction> = {
  readonly tx: Tx
  /**
   * Adds messages, in their order. They are checked now and written by {@link UnitOfWork.flush}.
   * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`, `UNIT_OF_WORK_MISSING` it has ended
   */
  enqueue(messages: Message | readonly Message[], options?: EnqueueOptions): void
  /**
   * Runs work under a savepoint: when it rejects, what it wrote is undone and what it enqueued is forgotten. Not for work side by side: a
   * transaction has one savepoint after the other.
   */
  savepoint<Result>(work: (tx: Tx, unit: UnitOfWork<Tx>) => Promise<Result>): Promise<Result>
  /** Runs work in which `outbox.enqueue(message)` without a transaction finds this unit. */
  run<Result>(work: () => Result): Result
  /**
   * Writes what was enqueued, and ends the unit. The last thing to do before the commit; `outbox.transaction` does it by itself.
   * @throws `OUTBOX_BACKLOGGED`, `TRANSACTION_UNSUPPORTED`, `SCHEMA_MISSING`, `UNIT_OF_WORK_MISSING` it has ended already
   */
  flush(): Promise<void>
}

/** What was enqueued: for the outbox, and for later. */
export type Buffered = { readonly rows: readonly OutboxRow[]; readonly deferred: readonly DeferredRow[] }

/** What units share. */
export type UnitTools = {
  encode(messages: Message | readonly Message[], options: EnqueueOptions | undefined): Buffered
  write(tx: CallerTransaction, buffered: Buffered): Promise<void>
  savepoint<Tx extends CallerTransaction, Result>(tx: Tx, work: (tx: Tx) => Promise<Result>): Promise<Result>
  runIn<Result>(unit: BufferedUnit, work: () => Result): Result
}

/** {@link UnitOfWork} over a transaction. */
export class BufferedUnit<Tx extends CallerTransaction = CallerTransaction> implements UnitOfWork<Tx> {
  readonly tx: Tx
  readonly #tools: UnitTools
  #rows: OutboxRow[] = []
  #deferred: DeferredRow[] = []
  #ended = false

  constructor(tx: Tx, tools: UnitTools) {
    this.tx = tx
    this.#tools = tools
  }

  enqueue(messages: Message | readonly Message[], options?: EnqueueOptions): void {
    this.#assertOpen()
    this.#add(this.#tools.encode(messages, options))
  }

  async savepoint<Result>(work: (tx: Tx, unit: UnitOfWork<Tx>) => Promise<Result>): Promise<Result> {
    this.#assertOpen()
    return this.#tools.savepoint(this.tx, async (tx) => {
      const nested = new BufferedUnit(tx, this.#tools)
      try {
        const result = await this.#tools.runIn(nested, () => work(tx, nested))
        this.#add(nested.take())
        return result
      } finally {
        nested.end()
      }
    })
  }

  run<Result>(work: () => Result): Result {
    return this.#tools.runIn(this, work)
  }

  async flush(): Promise<void> {
    const buffered = this.take()
    await this.#tools.write(this.tx, buffered)
  }

  /** Ends the unit and hands over what it holds. */
  take(): Buffered {
    this.#assertOpen()
    this.#ended = true
    return { rows: this.#rows, deferred: this.#deferred }
  }

  /** Ends the unit: whatever is enqueued from now on would never be written. */
  end(): void {
    this.#ended = true
  }

  #add({ rows, deferred }: Buffered): void {
    this.#rows.push(...rows)
    this.#deferred.push(...deferred)
  }

  #assertOpen(): void {
    if (this.#ended)
      throw new BackstitchError('UNIT_OF_WORK_MISSING', 'The unit of work has been written, or given up')
  }
}
