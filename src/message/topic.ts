import { BackstitchError } from '../kernel/errors.ts'

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

/** Refuses an aggregate type that gives no valid topic. @throws `CONTRACT_INVALID` */
export function assertAggregateType(aggregateType: string, owner: string): void {
  if (!isTopicName(topicOf(aggregateType)))
    throw new BackstitchError(
      'CONTRACT_INVALID',
      `${owner}: the aggregate type "${aggregateType}" gives no valid topic name`,
    )
}
