/** Where a command or a reply stands in its saga. All attempts of a round share one effect; a rewind or an operator’s retry begins the next round. */
export type SagaContext = {
  readonly id: string
  readonly name: string
  readonly step: string
  readonly round: number
  readonly direction: 'do' | 'undo'
  readonly attempt: number
}

/** What travels beside the body, each in a column and a Kafka header of its own (see {@link file://./wire-headers.ts}). */
export type MessageContext = {
  /** Groups all messages of one business process. For the messages of a saga: the saga’s id. */
  readonly correlationId?: string
  /** The id of the message that this one answers or was caused by. */
  readonly causationId?: string
  /** W3C trace context of the writer. */
  readonly traceparent?: string
  readonly tracestate?: string
  readonly saga?: SagaContext
  /** The aggregate type that replies are sent to: `<orchestrator>.reply`. */
  readonly replyTo?: string
  /** Of a reply: `ok`, `rejected.<name>`, or `refused` to a command that came after its own undo. */
  readonly outcome?: string
  /** Microseconds since 1970, after which a participant refuses the command. */
  readonly expiresAtUs?: bigint
}

/**
 * A message before it is written to the outbox: an event, a command or a reply.
 * `body` is validated already; `null` is a tombstone (it deletes the key from a compacted topic).
 */
export type Message<Body = unknown> = {
  /** Stable: a message that is published twice carries the same id, and the inbox drops the second. */
  readonly id: string
  /** Names the topic: `outbox.event.<aggregateType>`. */
  readonly aggregateType: string
  /** The key: messages of one key keep their order. */
  readonly key: string
  /** The contract’s name, such as `order.placed`. */
  readonly type: string
  /** The contract’s major version. */
  readonly version: number
  readonly body: Body | null
  /** The user’s own headers. */
  readonly headers: Readonly<Record<string, string>>
  readonly context: MessageContext
}

/** A message as a handler gets it: the validated body, and where it was read. */
export type ReceivedMessage<Body = unknown> = Message<Body> & {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** When the writer inserted it, in microseconds since 1970; absent in records of foreign producers. */
  readonly createdAtUs?: bigint
  /** What it was before upcasters made the present version of it. */
  readonly writtenAs?: { readonly type: string; readonly version: number }
}
