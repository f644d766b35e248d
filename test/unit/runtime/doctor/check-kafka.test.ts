import { describe, expect, test } from 'vitest'
import { checkCluster } from '../../../../src/runtime/doctor/kafka/check-cluster.ts'
import {
  checkTopic,
  type TopicNeeds,
  type WantedTopic,
} from '../../../../src/runtime/doctor/kafka/check-topic.ts'
import type { Judgement } from '../../../../src/runtime/doctor/finding.ts'
import type { TopicDescription } from '../../../../src/transport/admin.ts'
import { topic } from './facts.ts'

const troublesIn = (judgements: readonly Judgement[]): string[] =>
  judgements.flatMap(({ verdict, check }) => (verdict === 'ok' ? [] : [`${verdict} ${check}`]))

const wanted: WantedTopic = { topic: 'o', partitions: 6, carriesCommands: false, rows: 0, parked: 0 }
const needs: TopicNeeds = {
  recordBytesMax: 1_000_000,
  offsetsRetentionMs: 604_800_000,
  clockOffMs: 10,
  keepPublishedMs: 0,
}
const troubles = (
  found: TopicDescription | undefined,
  want: Partial<WantedTopic> = {},
  need: Partial<TopicNeeds> = {},
) => troublesIn(checkTopic({ ...wanted, ...want }, found, { ...needs, ...need }))

describe('a topic', () => {
  test('in which all is well', () => {
    expect(troubles(topic())).toEqual([])
    expect(
      troubles(topic({ config: { 'retention.ms': '-1' } }), {}, { offsetsRetentionMs: undefined }),
    ).toEqual([])
    expect(troubles(topic({ partitions: 9 }), { partitions: undefined as never })).toEqual([])
  })

  test('that a group remembers for less long than it, or a replay, may come again', () => {
    const remembered = { group: 'billing', ms: 604_800_000 }
    expect(troubles(topic(), { remembered })).toEqual([])
    expect(troubles(topic(), { remembered: { group: 'billing', ms: 604_799_999 } })).toEqual([
      'warn inbox-retention',
    ])
    expect(troubles(topic(), { remembered }, { keepPublishedMs: 604_800_001 })).toEqual([
      'warn kept-rows',
      'warn inbox-retention',
    ])
    const forEver = topic({ config: { 'retention.ms': '-1' } })
    expect(troubles(forEver, { remembered }, { offsetsRetentionMs: undefined })).toEqual([
      'warn inbox-retention',
    ])
  })

  test('that forgets before the outbox does', () => {
    const config = { 'retention.ms': String(3 * 86_400_000) }
    expect(troubles(topic({ config }), {}, { keepPublishedMs: 3 * 86_400_000 })).toEqual([])
    expect(troubles(topic({ config }), {}, { keepPublishedMs: 7 * 86_400_000 })).toEqual(['warn kept-rows'])
    const forEver = topic({ config: { 'retention.ms': '-1' } })
    expect(troubles(forEver, {}, { keepPublishedMs: 7 * 86_400_000 })).toEqual([])
  })

  test('that does not exist, or whose settings are not shown', () => {
    expect(troubles(undefined)).toEqual(['wrong topic'])
    expect(troubles({ ...topic(), config: undefined })).toEqual(['warn topic-settings'])
  })

  test.each<[string, string[], TopicDescription, Partial<WantedTopic>?]>([
    ['of another number of partitions', ['wrong partitions'], topic({ partitions: 7 })],
    ['with more partitions than it is written to with', ['wrong pinned-partitions'], topic(), { pinned: 5 }],
    ['that was made anew, smaller', ['wrong pinned-partitions'], topic(), { pinned: 7 }],
    ['that is as it was written to', [], topic(), { pinned: 6 }],
    ['without leaders', ['wrong leaders'], topic({ leaderless: [0, 3] })],
    ['that may not be written', ['wrong write'], topic({ writable: false })],
    ['that parked rows wait for', ['warn parked'], topic(), { parked: 2 }],
    ['in one copy', ['warn copies'], topic({ replicationFactor: 1, config: { 'min.insync.replicas': '1' } })],
    ['that one copy acknowledges', ['wrong copies'], topic({ config: { 'min.insync.replicas': '1' } })],
    ['that needs all its copies', ['warn copies'], topic({ config: { 'min.insync.replicas': '3' } })],
    ['that needs more than its copies', ['wrong copies'], topic({ config: { 'min.insync.replicas': '4' } })],
    [
      'with unclean elections',
      ['wrong unclean-election'],
      topic({ config: { 'unclean.leader.election.enable': 'true' } }),
    ],
    ['of events that is compacted', ['warn cleanup'], topic({ config: { 'cleanup.policy': 'compact' } })],
    [
      'of commands that is compacted',
      ['wrong cleanup'],
      topic({ config: { 'cleanup.policy': 'compact,delete' } }),
      { carriesCommands: true },
    ],
    ['that forgets within minutes', ['wrong retention'], topic({ config: { 'retention.ms': '60000' } })],
    ['that forgets within hours', ['warn retention'], topic({ config: { 'retention.ms': '7200000' } })],
    [
      'that outlives the memory of groups',
      ['warn offsets-retention'],
      topic({ config: { 'retention.ms': '6048000000' } }),
    ],
    ['for small records', ['warn message-size'], topic({ config: { 'max.message.bytes': '500000' } })],
    [
      'that refuses the time of records',
      ['wrong timestamps'],
      topic({ config: { 'message.timestamp.before.max.ms': '1000' } }),
    ],
    [
      'that sets the time itself',
      [],
      topic({ config: { 'message.timestamp.after.max.ms': '0', 'message.timestamp.type': 'LogAppendTime' } }),
    ],
  ])('%s: %j', (_, expected, found, want = {}) => {
    expect(troubles(found, want)).toEqual(expected)
  })
})

describe('the brokers', () => {
  const cluster = (config: Record<string, string> | undefined, brokers = 3) =>
    checkCluster(
      {
        clusterId: 'c',
        brokers: Array.from({ length: brokers }, (_, id) => ({ id, address: `b${id}:9092` })),
        config: config && new Map(Object.entries(config)),
      },
      { sessionTimeoutMs: 6_000 },
    )

  test('in which all is well', () => {
    expect(troublesIn(cluster({ 'auto.create.topics.enable': 'false' }))).toEqual([])
    expect(cluster({})).toContainEqual(
      expect.objectContaining({ check: 'version', found: 'Kafka 4.0 or later' }),
    )
    expect(cluster({ 'inter.broker.protocol.version': '3.9-IV0' })).toContainEqual(
      expect.objectContaining({ check: 'version', found: 'Kafka 3.9' }),
    )
  })

  test.each<[string, Record<string, string> | undefined]>([
    ['warn broker-settings', undefined],
    ['wrong session-timeout', { 'group.min.session.timeout.ms': '10000' }],
    ['wrong session-timeout', { 'group.max.session.timeout.ms': '5000' }],
    ['warn auto-create', { 'auto.create.topics.enable': 'true' }],
    ['warn group-offsets', { 'offsets.topic.replication.factor': '1' }],
  ])('%s', (expected, config) => {
    expect(troublesIn(cluster(config))).toEqual([expected])
  })

  test('a single broker has its offsets once', () => {
    expect(troublesIn(cluster({ 'offsets.topic.replication.factor': '1' }, 1))).toEqual([])
  })
})
