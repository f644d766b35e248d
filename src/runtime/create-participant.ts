import { groupPart } from '../inbox/group-part.ts'
import type { ProcessPart } from '../kernel/lifecycle.ts'
import { commandAggregateType, topicOf } from '../message/topic.ts'
import { pgParticipantStore } from '../postgres/pg-participant-store.ts'
import type { CommandHandler } from '../saga/participant/command-handler.ts'
import { participantWork } from '../saga/participant/participant-work.ts'
import { assertHandlers, type GroupOptions, groupParts } from './group-options.ts'
import { watchedPart } from './watchdog/watched-part.ts'

/** What {@link createParticipant} takes. */
export type ParticipantOptions = GroupOptions & {
  /** The service whose commands are carried out: those of the topic `<prefix><service>.command`. */
  readonly service: string
  /** Made by `handle`. */
  readonly handlers: readonly CommandHandler[]
  /** The consumer group. Default: the name of the service. */
  readonly group?: string
}

/**
 * Makes a participant of sagas: it carries out the commands to a service and answers them. Effects, outcome and reply of a command are one
 * transaction, shared by all attempts of a step: the attempts after the first get the stored reply again. An undo that comes before its step
 * is an empty compensation, and the step that comes after it is refused.
 *
 * A handler that throws is tried again and then leaves a dead letter, which holds back neither the partition nor the next attempt of the
 * saga: that is another message. A command without a handler is a dead letter at once.
 *
 * The database needs the tables `participant`, `inbox` and `outbox`.
 *
 * @throws `CONFIG_INVALID`; `start` rejects with `SCHEMA_MISSING`, `SCHEMA_OUTDATED`, `SCHEMA_NEWER` or `DATABASE_REFUSED`
 * @example
 * const stock = createParticipant({
 *   database, transport, service: 'stock',
 *   handlers: [handle(ReserveStock, async (request, { tx, ok, rejected }) => ok({ reservationId: await reserve(tx, request) }))],
 * })
 */
export function createParticipant(options: ParticipantOptions): ProcessPart {
  const { service, handlers, group = service } = options
  assertHandlers(handlers)
  const { schema, reading, outbox, logger, blockedMsMax, around } = groupParts(options, {
    group,
    kind: 'participant',
    topics: (topicPrefix) => [topicOf(commandAggregateType(service), topicPrefix)],
    parts: ['participant', 'inbox', 'outbox'],
    logFields: { service, group },
  })
  const store = pgParticipantStore(schema)
  const part = groupPart({
    ...around,
    work: participantWork({ service, group, handlers, ...reading, store, outbox, logger }),
  })
  return watchedPart(part, blockedMsMax, logger)
}
