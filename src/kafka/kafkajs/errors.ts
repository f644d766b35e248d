import { BackstitchError, isBackstitchError, reasonOf } from '../../kernel/errors.ts'
import type { PublishFailure } from '../../transport/publisher.ts'

/** What the broker says of the record itself. Not of its time, which is that of the driver’s clock. */
const recordErrors: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
])

const topicErrors: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'TOPIC_AUTHORIZATION_FAILED',
])

/** After these the group does not know this member, or this generation of it, any more. */
const membershipErrors: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'FENCED_INSTANCE_ID',
  'REBALANCE_IN_PROGRESS',
])

const passingErrors: ReadonlySet<string> = new Set([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_FOR_PARTITION',
  'OFFSET_NOT_AVAILABLE',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
])

/** Nobody but an administrator can mend these. */
const accessErrors: ReadonlySet<string> = new Set([
  'CLUSTER_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
])

/** The protocol’s name of an error, such as `MESSAGE_TOO_LARGE`, wherever kafkajs has wrapped it; `undefined` for errors of the connection. */
export function protocolErrorType(thrown: unknown): string | undefined {
  let error = thrown
  for (let depth = 0; depth < 8 && typeof error === 'object' && error !== null; depth += 1) {
    if ('type' in error && typeof error.type === 'string') return error.type
    if ('errors' in error && Array.isArray(error.errors)) error = error.errors[0]
    else error = 'cause' in error ? error.cause : undefined
  }
  return undefined
}

/** Whether the broker says that the topic is not there, or not for us. */
export function isTopicError(thrown: unknown): boolean {
  return topicErrors.has(protocolErrorType(thrown) ?? '')
}

/** Whether the broker says that it is a matter of moments: a topic, a leader or a coordinator on its way. */
export function isPassing(thrown: unknown): boolean {
  return passingErrors.has(protocolErrorType(thrown) ?? '')
}

/** Whether the group has gone on without this member: it must join again, and what it holds is no longer its own. */
export function isMembershipLost(thrown: unknown): boolean {
  return membershipErrors.has(protocolErrorType(thrown) ?? '')
}

/** Whether the broker says that this user may not. */
export function isAccessError(thrown: unknown): boolean {
  return accessErrors.has(protocolErrorType(thrown) ?? '')
}

/**
 * Why a batch failed.
 * @param hasLeft whether kafkajs had begun to write requests; if not, nothing was written for certain
 */
export function publishFailureOf(thrown: unknown, hasLeft: boolean): PublishFailure {
  const type = protocolErrorType(thrown)
  const reason = reasonOf(thrown)
  if (type !== undefined && recordErrors.has(type)) return { kind: 'record', reason, cause: thrown }
  if (type !== undefined && topicErrors.has(type)) return { kind: 'topic', reason, cause: thrown }
  return { kind: hasLeft ? 'unknown' : 'retriable', reason, cause: thrown }
}

/** The error that leaves the driver: `KAFKA_ACCESS_DENIED` where the broker says no, else `KAFKA_UNREACHABLE`. */
export function kafkaError(thrown: unknown, place: string): BackstitchError {
  if (isBackstitchError(thrown)) return thrown
  const denied = isAccessError(thrown) || isSaslError(thrown)
  const code = denied ? 'KAFKA_ACCESS_DENIED' : 'KAFKA_UNREACHABLE'
  return new BackstitchError(code, `${place}: ${reasonOf(thrown)}`, { cause: thrown })
}

function isSaslError(thrown: unknown): boolean {
  let error = thrown
  for (let depth = 0; depth < 8 && error instanceof Error; depth += 1) {
    if (error.name === 'KafkaJSSASLAuthenticationError') return true
    error = error.cause
  }
  return false
}
