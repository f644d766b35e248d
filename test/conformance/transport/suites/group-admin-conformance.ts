import { describe, expect, test } from 'vitest'
import type { TransportAdmin } from '../../../../src/transport/admin.ts'
import { Inbox, nextOffset, numbered, type TransportHarness } from '../transport-harness.ts'

/** What every admin must do for consumer groups, whatever its driver. */
export function groupAdminConformance(harness: () => TransportHarness): void {
  const withAdmin = async (work: (admin: TransportAdmin) => Promise<void>): Promise<void> => {
    const admin = harness().transport.admin()
    try {
      await work(admin)
    } finally {
      await admin.close()
    }
  }

  describe('an admin of groups', () => {
    test('lets a group go on elsewhere: back, ahead, and where it has committed nothing yet', () =>
      withAdmin(async (admin) => {
        const { newTopic, publish, subscriber, uniqueName } = harness()
        const [topic, group] = [await newTopic(3), uniqueName()]
        await publish(numbered(topic, 12, 3))
        const first = new Inbox()
        const one = subscriber({ group, topics: [topic] })
        await one.run({
          onBatch: async (batch) => {
            first.add(batch)
            if (batch.partition < 2) await batch.commit(nextOffset(batch))
            return { kind: 'done' }
          },
        })
        await first.atLeast(12)
        await one.stop()
        expect(await admin.groupOffsets(group, topic)).toEqual([4n, 4n, undefined])
        await admin.setGroupOffsets(
          group,
          topic,
          new Map([
            [0, 1n],
            [2, 3n],
          ]),
        )
        expect(await admin.groupOffsets(group, topic)).toEqual([1n, 4n, 3n])
        const second = new Inbox()
        const other = subscriber({ group, topics: [topic] })
        await other.run({ onBatch: second.takeAll })
        await publish(numbered(topic, 3, 3, 12))
        await second.until(() => new Set(second.values()).size === 7, 'all from there on')
        expect(second.values().toSorted((a, b) => Number(a) - Number(b))).toEqual([
          '3',
          '6',
          '9',
          '11',
          '12',
          '13',
          '14',
        ])
      }))

    test('sets the offsets of a group that nobody has heard of', () =>
      withAdmin(async (admin) => {
        const { newTopic, publish, subscriber, uniqueName } = harness()
        const [topic, group] = [await newTopic(1), uniqueName()]
        await publish(numbered(topic, 4))
        await admin.setGroupOffsets(group, topic, new Map())
        expect(await admin.describeGroup(group)).toEqual({ state: 'absent', members: [] })
        await admin.setGroupOffsets(group, topic, new Map([[0, 3n]]))
        expect(await admin.describeGroup(group)).toEqual({ state: 'empty', members: [] })
        const inbox = new Inbox()
        await subscriber({ group, topics: [topic] }).run({ onBatch: inbox.takeAll })
        await inbox.atLeast(1)
        expect(inbox.values()).toEqual(['3'])
      }))

    test('sets no offsets while the group has members', () =>
      withAdmin(async (admin) => {
        const { newTopic, publish, subscriber, uniqueName } = harness()
        const [topic, group] = [await newTopic(1), uniqueName()]
        await publish(numbered(topic, 4))
        const inbox = new Inbox()
        const member = subscriber({ group, topics: [topic] })
        await member.run({ onBatch: inbox.takeAll })
        await inbox.atLeast(4)
        const offsets = new Map([[0, 1n]])
        await expect(admin.setGroupOffsets(group, topic, offsets)).rejects.toMatchObject({
          code: 'GROUP_IN_USE',
          retriable: false,
          message: expect.stringContaining(group),
        })
        expect(await admin.groupOffsets(group, topic)).toEqual([4n])
        await publish(numbered(topic, 1, 1, 4))
        await inbox.atLeast(5)
        expect(inbox.values()).toEqual(['0', '1', '2', '3', '4'])
        await member.stop()
        await admin.setGroupOffsets(group, topic, offsets)
        expect(await admin.groupOffsets(group, topic)).toEqual([1n])
      }))

    test.each<[string, number, bigint]>([
      ['a partition that does not exist', 2, 0n],
      ['a negative offset', 0, -1n],
    ])('refuses %s, and sets nothing', (_, partition, offset) =>
      withAdmin(async (admin) => {
        const { newTopic, uniqueName } = harness()
        const [topic, group] = [await newTopic(2), uniqueName()]
        const offsets = new Map([
          [1, 7n],
          [partition, offset],
        ])
        const invalid = { code: 'CONFIG_INVALID', message: expect.stringContaining(topic) }
        await expect(admin.setGroupOffsets(group, topic, offsets)).rejects.toMatchObject(invalid)
        expect(await admin.groupOffsets(group, topic)).toEqual([undefined, undefined])
        const missing = uniqueName()
        await expect(admin.setGroupOffsets(group, missing, offsets)).rejects.toMatchObject({
          code: 'CONFIG_INVALID',
          message: expect.stringContaining(missing),
        })
      }),
    )

    test('tells the members of a group and its state', () =>
      withAdmin(async (admin) => {
        const { newTopic, publish, subscriber, uniqueName } = harness()
        const [topic, group] = [await newTopic(2), uniqueName()]
        await publish(numbered(topic, 2, 2))
        expect(await admin.describeGroup(group)).toEqual({ state: 'absent', members: [] })
        const inbox = new Inbox()
        const members = [subscriber({ group, topics: [topic] }), subscriber({ group, topics: [topic] })]
        for (const member of members) await member.run({ onBatch: inbox.takeAll })
        const held = (): number[] => members.map((member) => member.assignment().length)
        await expect.poll(held, { timeout: 15_000 }).toEqual([1, 1])
        await inbox.until(() => new Set(inbox.values()).size === 2, 'both records')
        const { state, members: found } = await admin.describeGroup(group)
        expect(state).toBe('stable')
        expect(new Set(found.map(({ id }) => id)).size).toBe(2)
        for (const it of found) {
          expect(it.clientId).not.toBe('')
          expect(it.host).not.toBe('')
        }
        for (const member of members) await member.stop()
        expect(await admin.describeGroup(group)).toEqual({ state: 'empty', members: [] })
      }))

    test('lists groups, and the topics in which one has committed', () =>
      withAdmin(async (admin) => {
        const { newTopic, uniqueName } = harness()
        const [one, other, unread, group] = [
          await newTopic(1),
          await newTopic(2),
          await newTopic(1),
          uniqueName(),
        ]
        expect(await admin.groups()).not.toContain(group)
        expect(await admin.groupTopics(group)).toEqual([])
        await admin.setGroupOffsets(group, one, new Map([[0, 0n]]))
        await admin.setGroupOffsets(group, other, new Map([[1, 0n]]))
        expect(await admin.groups()).toContain(group)
        expect(await admin.groupTopics(group)).toEqual([one, other].toSorted())
        expect(await admin.groupOffsets(group, unread)).toEqual([undefined])
      }))

    test('finds the offsets of a time', () =>
      withAdmin(async (admin) => {
        const { newTopic, publish, read, uniqueName } = harness()
        const topic = await newTopic(3)
        await publish(numbered(topic, 4, 2))
        const early = Math.max(...(await read([topic], 4)).map(({ timestampMs }) => timestampMs))
        while (Date.now() <= early + 1) await new Promise((resolve) => setTimeout(resolve, 1))
        const betweenMs = Date.now()
        await publish(numbered(topic, 2, 1, 4))
        expect(await admin.beginOffsets(topic)).toEqual([0n, 0n, 0n])
        expect(await admin.offsetsAt(topic, 0)).toEqual([0n, 0n, 0n])
        // of partition 1 and 2 there is nothing so late: their ends
        expect(await admin.offsetsAt(topic, betweenMs)).toEqual([2n, 2n, 0n])
        expect(await admin.offsetsAt(topic, Date.now() + 60_000)).toEqual([4n, 2n, 0n])
        expect(await admin.offsetsAt(uniqueName(), 0)).toEqual([])
        expect(await admin.beginOffsets(uniqueName())).toEqual([])
      }))
  })
}
