import { KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, KafkaJSProtocolError } from 'kafkajs'
import { describe, expect, test } from 'vitest'
import {
  isMembershipLost,
  isPassing,
  isTopicError,
  kafkaError,
  protocolErrorType,
  publishFailureOf,
} from '../../../../src/kafka/kafkajs/errors.ts'

const said = (type: string): Error =>
  new KafkaJSProtocolError({ message: `the broker says ${type}`, type, code: 1, retriable: false } as never)
const wrapped = (type: string): Error => {
  const error = said(type)
  return new KafkaJSNumberOfRetriesExceeded(error, { retryCount: 2, retryTime: 100, cause: error } as never)
}

describe('errors of kafkajs', () => {
  test.each([
    ['MESSAGE_TOO_LARGE', 'record'],
    ['RECORD_LIST_TOO_LARGE', 'record'],
    ['INVALID_RECORD', 'record'],
    ['UNKNOWN_TOPIC_OR_PARTITION', 'topic'],
    ['INVALID_TOPIC_EXCEPTION', 'topic'],
    ['TOPIC_AUTHORIZATION_FAILED', 'topic'],
    ['INVALID_TIMESTAMP', 'unknown'],
    ['CORRUPT_MESSAGE', 'unknown'],
    ['NOT_ENOUGH_REPLICAS', 'unknown'],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', 'unknown'],
  ])('%s of a batch that left is a failure of kind `%s`, however it is wrapped', (type, kind) => {
    expect(publishFailureOf(said(type), true)).toMatchObject({ kind, reason: `the broker says ${type}` })
    expect(publishFailureOf(wrapped(type), true).kind).toBe(kind)
  })

  test('before anything has left, any other failure is retriable', () => {
    expect(publishFailureOf(new KafkaJSNonRetriableError('no broker'), false).kind).toBe('retriable')
    expect(publishFailureOf(new KafkaJSNonRetriableError('closed'), true).kind).toBe('unknown')
  })

  test('what the broker says is found in causes and in lists; what is none of it is not', () => {
    expect(protocolErrorType(wrapped('X'))).toBe('X')
    expect(protocolErrorType(Object.assign(new Error('list'), { errors: [said('Y')] }))).toBe('Y')
    expect(protocolErrorType(new Error('socket'))).toBeUndefined()
    expect(protocolErrorType(undefined)).toBeUndefined()
    const loop = new Error('loop')
    loop.cause = loop
    expect(protocolErrorType(loop)).toBeUndefined()
  })

  test('groups of them', () => {
    expect(
      ['ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'REBALANCE_IN_PROGRESS'].every((it) =>
        isMembershipLost(said(it)),
      ),
    ).toBe(true)
    expect(isMembershipLost(said('REQUEST_TIMED_OUT'))).toBe(false)
    expect(isTopicError(wrapped('UNKNOWN_TOPIC_OR_PARTITION'))).toBe(true)
    expect(isTopicError(said('LEADER_NOT_AVAILABLE'))).toBe(false)
    expect(isPassing(said('NOT_LEADER_FOR_PARTITION'))).toBe(true)
    expect(isPassing(said('MESSAGE_TOO_LARGE'))).toBe(false)
  })

  test('leave the driver with a code of the catalogue', () => {
    expect(kafkaError(new Error('refused'), 'opening')).toMatchObject({
      code: 'KAFKA_UNREACHABLE',
      retriable: true,
    })
    expect(kafkaError(said('CLUSTER_AUTHORIZATION_FAILED'), 'opening')).toMatchObject({
      code: 'KAFKA_ACCESS_DENIED',
    })
    const sasl = new Error('wrapped', {
      cause: Object.assign(new Error('no such user'), { name: 'KafkaJSSASLAuthenticationError' }),
    })
    expect(kafkaError(sasl, 'opening')).toMatchObject({ code: 'KAFKA_ACCESS_DENIED', retriable: false })
    const own = kafkaError(new Error('x'), 'y')
    expect(kafkaError(own, 'z')).toBe(own)
  })
})
