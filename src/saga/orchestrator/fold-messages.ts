import { BackstitchError } from '../../kernel/errors.ts'
import { type DeadLetter, deadLetterOf } from '../../inbox/dead-letter.ts'
import { assertKey } from '../../message/contract.ts'
import type { SagaInstance, SetAsideRecord } from '../saga-store.ts'
import { beginSaga } from '../transition/begin-saga.ts'
import { causeOfMessage, causeOfStart } from '../transition/saga-cause.ts'
import { type SagaInHand, inHand } from '../transition/saga-writer.ts'
import { failureOf, type MoveTools, moveSaga, type ParkedSaga } from '../transition/move-saga.ts'
import type { ReplyMessage, SagaMessage, StartMessage } from './saga-message.ts'

/** What a transaction loaded for its messages. */
export type LoadedSagas = {
  readonly instances: ReadonlyMap<string, SagaInstance>
  /** Whether the message was never applied before. */
  isFresh(messageId: string): boolean
}

/** What messages came to, besides what the writer collected. */
export type FoldOutcome = {
  readonly deadLetters: readonly DeadLetter[]
  readonly setAside: readonly SetAsideRecord[]
  readonly parked: readonly ParkedSaga[]
}

/**
 * Runs the machine over messages, one after the other; several messages of one saga build on each other. Writes nothing itself.
 * A failure touches only the message and its saga: it parks the saga, or the message becomes a dead letter.
 */
export function foldMessages(
  messages: readonly SagaMessage[],
  loaded: LoadedSagas,
  tools: MoveTools & { readonly group: string },
): FoldOutcome {
  const deadLetters: DeadLetter[] = []
  const setAside: SetAsideRecord[] = []
  const parked: ParkedSaga[] = []
  const sagas = new Map<string, SagaInHand>()
  const seen = new Set<string>()

  const bury = ({ kind, record, head }: SagaMessage, thrown: unknown): void => {
    const about = { group: tools.group, messageId: head.id, thrown, attempts: kind === 'unreadable' ? 0 : 1 }
    deadLetters.push(deadLetterOf(record, { ...about, ...(head.type !== undefined && { type: head.type }) }))
  }

  const sagaOf = (id: string): SagaInHand | undefined => {
    const instance = loaded.instances.get(id)
    const saga = sagas.get(id) ?? (instance && inHand(instance))
    if (saga) sagas.set(id, saga)
    return saga
  }

  const applyReply = (message: ReplyMessage): void => {
    const { saga: address, head, record, outcome, body } = message
    const saga = sagaOf(address.id)
    if (!saga)
      return bury(
        message,
        new BackstitchError('REPLY_UNKNOWN', `${head.type ?? 'a reply'}: there is no saga ${address.id}`),
      )
    const { name, version } = saga
    const definition = tools.registry.fit(saga)
    if (!definition) return void setAside.push({ messageId: head.id, name, version, record })
    const { step, direction, round, attempt } = address
    const input = { kind: 'reply', step, direction, round, attempt, outcome, body } as const
    const failure = moveSaga(saga, definition, input, causeOfMessage(head), tools)
    if (!failure) return
    parked.push({ sagaId: saga.id, reason: failure.message })
    // No retry of the saga asks for this answer again as long as its state is of no use, so it is kept.
    bury(message, failure)
  }

  const applyStart = (message: StartMessage): void => {
    const { request, head, record } = message
    const { saga: name, version } = request
    const definition = tools.registry.find(name, version)
    if (!definition) return void setAside.push({ messageId: head.id, name, version, record })
    try {
      if (tools.failWith) throw tools.failWith
      const key = assertKey(request.key, `the start of ${name} v${version}`)
      const cause = { ...causeOfStart(request.id, head.context), messageId: head.id }
      const transition = tools.machine.startSaga(definition, request.input)
      beginSaga(tools.writer, definition, { id: request.id, key }, transition, cause)
    } catch (thrown) {
      bury(message, failureOf(thrown, `the start of ${name} v${version} with the key ${request.key}`))
    }
  }

  for (const message of messages) {
    const { id } = message.head
    const place = `${message.record.topic} ${id}`
    if (seen.has(place) || !loaded.isFresh(id)) continue
    seen.add(place)
    if (message.kind === 'unreadable') bury(message, message.failure)
    else if (message.kind === 'reply') applyReply(message)
    else applyStart(message)
  }
  return { deadLetters, setAside, parked }
}
