import { BackstitchError } from '../kernel/errors.ts'
import { quoted } from './storable-text.ts'

/** The prefix of all topics, the same as that of Debezium’s outbox event router. */
export const defaultTopicPrefix = 'outbox.event.'

/**
 * The topic of an aggregate type.
 * @example topicOf('order') // 'outbox.event.order'
 */
export function topicOf(aggregateType: string, prefix: string = defaultTopicPrefix): string {
  return prefix + aggregateType
}

/** Whether Kafka accepts the text as the name of a topic: 1 to 249 letters, digits, `.`, `_`, `-`, and neither `.` nor `..`. */
export function isTopicName(text: string): boolean {
  return /^[a-zA-Z0-9._-]{1,249}$/.test(text) && text !== '.' && text !== '..'
}

/**
 * The aggregate type of the commands of a service.
 * @example commandAggregateType('stock') // 'stock.command'
 */
export function commandAggregateType(service: string): string {
  return `${service}.command`
}

/**
 * The aggregate type of the replies to an orchestrator.
 * @example replyAggregateType('orchestrator') // 'orchestrator.reply'
 */
export function replyAggregateType(orchestrator: string): string {
  return `${orchestrator}.reply`
}

/**
 * The aggregate type of the messages that ask an orchestrator to start a saga, written by services with a database of their own.
 * @example startAggregateType('orchestrator') // 'orchestrator.saga'
 */
export function startAggregateType(orchestrator: string): string {
  return `${orchestrator}.saga`
}

/** Whether the text can stand behind the prefix. An empty one would give a topic, but surely not the one that was meant. */
export function isAggregateType(text: unknown): text is string {
  return typeof text === 'string' && text !== '' && !text.startsWith('.') && isTopicName(topicOf(text))
}

/** Refuses an aggregate type that gives no valid topic. @throws `CONTRACT_INVALID` */
export function assertAggregateType(aggregateType: string, owner: string): void {
  if (!isAggregateType(aggregateType))
    throw new BackstitchError(
      'CONTRACT_INVALID',
      `${owner}: the aggregate type ${quoted(aggregateType)} gives no valid topic name`,
    )
}
