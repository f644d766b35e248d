import type { Logger } from '../../kernel/logger.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { Message, ReceivedMessage } from '../../message/message.ts'

/** An event as its handler gets it: validated, with its headers, its context and the place where it was read. */
export type ReceivedEvent<Body = unknown> = Omit<ReceivedMessage<Body>, 'body'> & { readonly body: Body }

/** A record without a value, which says that its key is deleted. */
export type ReceivedTombstone = Omit<ReceivedMessage, 'body'> & { readonly body: null }

/** What the handlers of one message and of batches have alike. */
export type HandlerScope = {
  /**
   * The transaction in which the messages are applied: a `pg` client with `query(text, values)`. What the handler writes through it is
   * committed together with the inbox rows, once. What it does elsewhere is done again when a message is tried again.
   */
  readonly tx: SqlExecutor
  /** Counts the tries from 1, in this process. */
  readonly attempt: number
  /** Aborts when the handler’s time is over or the process must go down: what is written then is rolled back. */
  readonly signal: AbortSignal
  readonly logger: Logger
}

/** What a handler has beside its message. */
export type HandlerContext = HandlerScope & {
  /**
   * Sends messages with this transaction: their rows are inserted with one statement just before the commit. They get ids derived from the
   * incoming one, so that handling it again names them the same, and name it as their cause.
   */
  readonly enqueue: (messages: Message | readonly Message[]) => void
}

/** What a handler of batches has beside its messages. */
export type BatchContext = HandlerScope & {
  /**
   * Sends messages with this transaction, as {@link HandlerContext} does, and says which message of the batch they are about: their ids are
   * derived from its id, so they are the same however the batch is cut the next time. A message about several names one of them.
   */
  readonly enqueue: (messages: Message | readonly Message[], options: { readonly causedBy: Cause }) => void
}

/** A message of the batch, as far as another one can follow from it. */
export type Cause = Pick<ReceivedMessage, 'id' | 'topic' | 'context'>
