import { expect, test } from 'vitest'
import {
  assertAggregateType,
  commandAggregateType,
  defaultTopicPrefix,
  isAggregateType,
  isTopicName,
  replyAggregateType,
  startAggregateType,
  topicOf,
} from '../../../src/message/topic.ts'
import { codeThrownBy } from '../thrown-code.ts'

test('topics are those of Debezium’s outbox event router', () => {
  expect(defaultTopicPrefix).toBe('outbox.event.')
  expect(topicOf('order')).toBe('outbox.event.order')
  expect(topicOf('order', 'test.')).toBe('test.order')
  expect(topicOf(commandAggregateType('stock'))).toBe('outbox.event.stock.command')
  expect(topicOf(replyAggregateType('orchestrator'))).toBe('outbox.event.orchestrator.reply')
  expect(topicOf(startAggregateType('orchestrator'))).toBe('outbox.event.orchestrator.saga')
})

test.each(['a', 'A.b_c-9', 'x'.repeat(249), '...', '-'])('Kafka accepts the topic %j', (text) => {
  expect(isTopicName(text)).toBe(true)
})

test.each(['', '.', '..', 'a b', 'a/b', 'ä', 'a\n', 'a\0', 'x'.repeat(250), 'a:b'])(
  'Kafka refuses the topic %j',
  (text) => {
    expect(isTopicName(text)).toBe(false)
  },
)

test('an aggregate type makes a topic of its own behind the prefix', () => {
  expect(isAggregateType('order')).toBe(true)
  expect(isAggregateType('x'.repeat(236))).toBe(true)
  for (const text of ['', '.command', 'x'.repeat(237), 'a b', undefined, 7])
    expect(isAggregateType(text)).toBe(false)
  expect(codeThrownBy(() => assertAggregateType('', 'order.placed v1'))).toBe('CONTRACT_INVALID')
  expect(codeThrownBy(() => assertAggregateType('order', 'order.placed v1'))).toBeUndefined()
})
