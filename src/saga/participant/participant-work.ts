import type { Logger } from '../../kernel/logger.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { GroupWork, Try } from '../../inbox/group-work.ts'
import { outgoingMessages } from '../../inbox/events/outgoing-messages.ts'
import type { Delivery } from '../../inbox/record-reader.ts'
import type { Codec } from '../../message/codec.ts'
import type { BodyLimits } from '../../message/limits.ts'
import type { Message, ReceivedMessage, SagaContext } from '../../message/message.ts'
import type { TraceContextSource } from '../../message/trace-context.ts'
import type { OutboxWriter } from '../../outbox/outbox.ts'
import { decideStep } from './barrier-machine.ts'
import type { CommandHandler } from './command-handler.ts'
import { outcomeMakers } from './command-outcome.ts'
import { commandReader } from './command-reader.ts'
import { type ParticipantStore, type StepKey, stepLock } from './participant-store.ts'
import { type Answer, nothingToUndo, refused, replyTo } from './reply.ts'
import { restoredReply, storedReply } from './stored-reply.ts'

/** What the handlers of a participant need. */
export type ParticipantWorkOptions = {
  readonly service: string
  readonly group: string
  readonly handlers: readonly CommandHandler[]
  readonly topicPrefix: string
  readonly codec: Codec
  readonly limits: BodyLimits
  readonly store: ParticipantStore
  /** Takes the replies, and the messages that handlers send. */
  readonly outbox: OutboxWriter
  /** Default: the trace of the command. */
  readonly traceContext?: TraceContextSource
  readonly logger: Logger
}

/** One command in hand. */
type Call = Delivery<CommandHandler> & { readonly tx: SqlExecutor; readonly attempt: Try }

/**
 * Makes the work of a participant. A command of a saga passes the barrier of its step first: a later attempt gets the stored reply again, an
 * undo that comes first is an empty compensation, a forward command that comes after its undo is refused. Record, reply and effects are one
 * transaction. A command of no saga has only the inbox before it.
 *
 * A command whose time is over (header `expires-at`, by the clock of the database) takes no effect and gets no reply: its outcome stays as
 * unknown as it was, and whoever sent it sends it again or has turned back.
 *
 * @throws `CONFIG_INVALID` for two handlers of one contract, or a contract of another service
 */
export function participantWork(options: ParticipantWorkOptions): GroupWork<CommandHandler> {
  const { group, codec, store, outbox, logger } = options

  const applyStep = async (call: Call, saga: SagaContext): Promise<void> => {
    const { tx, message } = call
    const key = { sagaId: saga.id, step: saga.step, round: saga.round, direction: saga.direction }
    const history = await store.history(tx, key, message.context.expiresAtUs)
    const decision = decideStep(history.records, key, history)
    switch (decision.kind) {
      case 'handle':
        return carryOut(call, (answer) => record(call, key, saga, answer))
      case 'nothing-to-undo':
        await record(call, key, saga, nothingToUndo)
        return send(call, nothingToUndo)
      case 'replay':
        return replay(call, history.own)
      case 'refuse':
        logger.warn({ ...fieldsOf(message), saga, reason: decision.reason }, 'refused a command')
        if (decision.reason === 'undone') await send(call, refused)
    }
  }

  const applyAlone = async (call: Call): Promise<void> => {
    const { tx, message } = call
    const { expiresAtUs } = message.context
    if (expiresAtUs === undefined || !(await store.isPast(tx, expiresAtUs))) return carryOut(call)
    logger.warn({ ...fieldsOf(message), reason: 'expired' }, 'refused a command')
  }

  const carryOut = async (call: Call, keep?: (answer: Answer) => Promise<void>): Promise<void> => {
    const { tx, message, target, attempt } = call
    const { saga } = message.context
    const outgoing = outgoingMessages([message], group, ownerOf(message), options.traceContext)
    const { ok, rejected, checked } = outcomeMakers(target.contract)
    const returned = await target.handler(message.body, {
      tx,
      enqueue: (messages) => outgoing.add(messages),
      ok,
      rejected,
      message,
      attempt: attempt.attempt,
      signal: attempt.signal,
      logger,
      ...(saga && { saga }),
    })
    const outcome = checked(returned)
    const answer = {
      outcome: outcome.kind === 'ok' ? 'ok' : `rejected.${outcome.name}`,
      body: outcome.body,
    }
    await keep?.(answer)
    await send(call, answer, outgoing.close())
  }

  const replay = async (
    call: Call,
    own: { outcome: string; reply: Parameters<typeof restoredReply>[0] } | undefined,
  ): Promise<void> => {
    if (own === undefined) return
    const body = restoredReply(own.reply, codec, `${ownerOf(call.message)}, the stored reply`)
    await send(call, { outcome: own.outcome, body })
  }

  const record = async (
    { tx, message }: Call,
    key: StepKey,
    saga: SagaContext,
    answer: Answer,
  ): Promise<void> =>
    store.record(tx, {
      ...key,
      sagaName: saga.name,
      commandType: message.type,
      commandId: message.id,
      outcome: answer.outcome,
      reply: storedReply(answer.body, codec, `${ownerOf(message)}, the reply`),
    })

  const send = async (
    { tx, message }: Call,
    answer: Answer,
    others: readonly Message[] = [],
  ): Promise<void> => {
    const reply = replyTo(message, answer)
    await outbox.enqueue(tx, reply === undefined ? others : [...others, reply])
  }

  return {
    group,
    kind: 'participant',
    // Behind the line for a step each statement must see what those before it in the line have committed.
    isolation: 'read committed',
    // The next attempt of a step has the key of the one that became a dead letter, and is what mends it.
    order: 'none',
    read: commandReader(options),
    lockOn: ({ message }) => {
      const { saga } = message.context
      return saga && stepLock({ sagaId: saga.id, step: saga.step })
    },
    apply: async (tx, deliveries, attempt) => {
      for (const delivery of deliveries) {
        const call = { ...delivery, tx, attempt }
        const { saga } = delivery.message.context
        await (saga ? applyStep(call, saga) : applyAlone(call))
      }
    },
  }
}

function ownerOf({ type, version }: ReceivedMessage): string {
  return `${type} v${version}`
}

function fieldsOf({ id, type, topic, partition, offset }: ReceivedMessage): object {
  return { messageId: id, type, topic, partition, offset: String(offset) }
}
