import { describe, expect, test } from 'vitest'
import { Inbox, numbered, type TransportHarness } from '../transport-harness.ts'

/** What every admin must do, whatever its driver. */
export function adminConformance(harness: () => TransportHarness): void {
  describe('an admin', () => {
    test('creates the topics that do not exist, and they can be written to at once', async () => {
      const { transport, uniqueName, publish } = harness()
      const [one, other] = [uniqueName(), uniqueName()]
      const admin = transport.admin()
      await admin.createTopics([{ topic: one, partitions: 2 }])
      await admin.createTopics([
        { topic: one, partitions: 9 },
        { topic: other, partitions: 3, config: { 'retention.ms': '600000' } },
      ])
      await publish([...numbered(one, 2, 2), ...numbered(other, 3, 3)])
      expect(await admin.partitionCounts([one, other, uniqueName()])).toEqual(
        new Map([
          [one, 2],
          [other, 3],
        ]),
      )
      await admin.createTopics([])
      await admin.close()
    })

    test('names a topic that Kafka refuses', async () => {
      const { transport, uniqueName } = harness()
      const admin = transport.admin()
      const topic = `${uniqueName()} not a name`
      const refused = admin.createTopics([{ topic, partitions: 1 }])
      await expect(refused).rejects.toMatchObject({
        code: 'TOPIC_REFUSED',
        message: expect.stringContaining(topic),
      })
      await admin.close()
    })

    test('tells the ends of a topic and what a group has committed', async () => {
      const { transport, newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(3)
      await publish(numbered(topic, 4, 2))
      const admin = transport.admin()
      const group = uniqueName()
      expect(await admin.endOffsets(topic)).toEqual([2n, 2n, 0n])
      expect(await admin.groupOffsets(group, topic)).toEqual([undefined, undefined, undefined])
      const inbox = new Inbox()
      const member = subscriber({ group, topics: [topic] })
      await member.run({ onBatch: inbox.takeAll })
      await inbox.atLeast(4)
      await member.stop()
      expect(await admin.groupOffsets(group, topic)).toEqual([2n, 2n, undefined])
      expect(await admin.endOffsets(uniqueName())).toEqual([])
      expect(await admin.groupOffsets(group, uniqueName())).toEqual([])
      await admin.close()
    })

    test('describes topics with their settings, and leaves out what does not exist', async () => {
      const { transport, uniqueName } = harness()
      const [topic, missing] = [uniqueName(), uniqueName()]
      const admin = transport.admin()
      await admin.createTopics([{ topic, partitions: 3, config: { 'retention.ms': '600000' } }])
      const found = await admin.describeTopics([topic, missing])
      expect([...found.keys()]).toEqual([topic])
      const { config, writable, ...rest } = found.get(topic)!
      expect(rest).toEqual({ partitions: 3, replicationFactor: 1, leaderless: [] })
      expect(config?.get('retention.ms')).toBe('600000')
      expect(config?.get('max.message.bytes')).toBe('1048588') // not set on the topic
      expect(writable).not.toBe(false)
      await admin.close()
    })

    test('describes the brokers', async () => {
      const { transport } = harness()
      const admin = transport.admin()
      const { clusterId, brokers, config } = await admin.describeCluster()
      expect(clusterId).not.toBe('')
      expect(brokers).toEqual([{ id: expect.any(Number), address: expect.stringMatching(/./) }])
      expect(config).toBeInstanceOf(Map)
      await admin.close()
    })
  })
}
