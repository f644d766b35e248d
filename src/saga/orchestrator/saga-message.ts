import type { ReceivedMessage, SagaContext } from '../../message/message.ts'
import type { ReceivedRecord } from '../../transport/subscriber.ts'
import type { StartRequest } from '../start/start-message.ts'

/** What is known of a message apart from its body. */
export type SagaMessageHead = Pick<ReceivedMessage, 'id' | 'createdAtUs' | 'context'> & {
  readonly type?: string
}

/** A message that moves a saga, or one that no saga can make anything of. */
export type SagaMessage = ReplyMessage | StartMessage | UnreadableMessage

/** An answer to a command. Its body is not validated yet. */
export type ReplyMessage = {
  readonly kind: 'reply'
  readonly record: ReceivedRecord
  readonly head: SagaMessageHead
  readonly saga: SagaContext
  readonly outcome: string
  readonly body: unknown
}

/** A request to start a saga. */
export type StartMessage = {
  readonly kind: 'start'
  readonly record: ReceivedRecord
  readonly head: SagaMessageHead
  readonly request: StartRequest
}

/** A record with what is wrong with it. */
type UnreadableMessage = {
  readonly kind: 'unreadable'
  readonly record: ReceivedRecord
  /** `id`: that of the header, or one derived from the record’s place. */
  readonly head: { readonly id: string; readonly type?: string }
  readonly failure: unknown
}
