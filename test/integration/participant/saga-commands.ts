import { newId } from '../../../src/kernel/ids.ts'
import type { KafkaTransport } from '../../../src/transport/transport.ts'
import { publish } from '../inbox/topic-feed.ts'

/** What a command says of its saga. */
export type Sent = {
  readonly type: string
  readonly request: unknown
  readonly sagaId: string
  readonly step?: string
  readonly round?: number
  readonly direction?: 'do' | 'undo'
  readonly attempt?: number
  readonly id?: string
  readonly expiresAtUs?: bigint
  readonly partition?: number
  readonly headers?: Readonly<Record<string, string>>
}

/** Publishes commands of sagas to a topic as an orchestrator does, and gives their ids. */
export async function send(
  transport: KafkaTransport,
  topic: string,
  commands: readonly Sent[],
): Promise<string[]> {
  return publish(
    transport,
    commands.map((command) => ({
      topic,
      type: command.type,
      value: command.request,
      id: command.id ?? newId(),
      key: command.sagaId,
      partition: command.partition ?? 0,
      headers: {
        version: '1',
        'saga-id': command.sagaId,
        'saga-name': 'place-order',
        'saga-step': command.step ?? 'reserve',
        'saga-round': String(command.round ?? 1),
        'saga-direction': command.direction ?? 'do',
        'saga-attempt': String(command.attempt ?? 1),
        'correlation-id': command.sagaId,
        'reply-to': 'orchestrator.reply',
        ...(command.expiresAtUs !== undefined && { 'expires-at': String(command.expiresAtUs) }),
        ...command.headers,
      },
    })),
  )
}
