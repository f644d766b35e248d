import { describe, expect, test } from 'vitest'
import type { BatchResult, ReceivedBatch } from '../../../../src/transport/subscriber.ts'
import { Inbox, nextOffset, numbered, quickMember, type TransportHarness } from '../transport-harness.ts'

const done: BatchResult = { kind: 'done' }

/** What every subscriber must do, whatever its driver. */
export function subscriberConformance(harness: () => TransportHarness): void {
  describe('a subscriber', () => {
    test('begins a new group at the earliest record and hands over one batch of a partition at a time', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 100, 2))
      const inbox = new Inbox()
      const inHand = new Set<number>()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          expect(inHand.has(batch.partition)).toBe(false)
          inHand.add(batch.partition)
          await new Promise((resolve) => setImmediate(resolve))
          inHand.delete(batch.partition)
          return inbox.takeAll(batch)
        },
      })
      expect(member.assignment()).toEqual([`${topic}/0`, `${topic}/1`])
      await publish(numbered(topic, 100, 2, 100))
      const records = await inbox.atLeast(200)
      for (const partition of [0, 1]) {
        const own = records.filter((it) => it.partition === partition)
        expect(own.map(({ offset }) => offset)).toEqual(
          Array.from({ length: 100 }, (_, index) => BigInt(index)),
        )
      }
    })

    test('goes on where the group committed, and reads again what it did not', async () => {
      const { newTopic, publish, subscriber, uniqueName, transport } = harness()
      const [topic, group] = [await newTopic(1), uniqueName()]
      await publish(numbered(topic, 10))
      const first = new Inbox()
      const one = subscriber({ group, topics: [topic] })
      await one.run({
        onBatch: async (batch) => {
          first.add(batch)
          expect(await batch.commit(4n)).toBe('committed')
          return done
        },
      })
      await first.atLeast(10)
      await one.stop()
      expect(one.assignment()).toEqual([])
      const admin = transport.admin()
      expect(await admin.groupOffsets(group, topic)).toEqual([4n])
      await admin.close()
      const second = new Inbox()
      const other = subscriber({ group, topics: [topic] })
      await other.run({ onBatch: second.takeAll })
      await second.atLeast(6)
      expect(second.values()).toEqual(['4', '5', '6', '7', '8', '9'])
    })

    test('shares partitions with a second member and takes them back when it stops, losing nothing', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [topic, group] = [await newTopic(4), uniqueName()]
      const inbox = new Inbox()
      const one = subscriber({ group, topics: [topic] })
      const other = subscriber({ group, topics: [topic] })
      await one.run({ onBatch: inbox.takeAll })
      await publish(numbered(topic, 100, 4))
      await other.run({ onBatch: inbox.takeAll })
      await expect
        .poll(() => [one.assignment().length, other.assignment().length], { timeout: 15_000 })
        .toEqual([2, 2])
      expect([...one.assignment(), ...other.assignment()].toSorted()).toEqual(
        [0, 1, 2, 3].map((it) => `${topic}/${it}`),
      )
      await publish(numbered(topic, 100, 4, 100))
      await other.stop()
      await publish(numbered(topic, 100, 4, 200))
      await expect.poll(() => one.assignment().length, { timeout: 15_000 }).toBe(4)
      const distinct = (): number => new Set(inbox.values()).size
      await inbox.until(() => distinct() >= 300, '300 different records')
      expect(distinct()).toBe(300)
    })

    test('aborts the signal when the group is dealt out anew; a commit after that is stale', async () => {
      const { newTopic, publish, subscriber, uniqueName, transport } = harness()
      const [topic, group] = [await newTopic(2), uniqueName()]
      await publish(numbered(topic, 2, 2))
      const held = Promise.withResolvers<ReceivedBatch>()
      const letGo = Promise.withResolvers<void>()
      const one = subscriber({ group, topics: [topic] })
      await one.run({
        onBatch: async (batch) => {
          held.resolve(batch)
          await letGo.promise
          return done
        },
      })
      const batch = await held.promise
      expect(batch.signal.aborted).toBe(false)
      const aborted = new Promise<void>((resolve) => batch.signal.addEventListener('abort', () => resolve()))
      const inbox = new Inbox()
      const other = subscriber({ group, topics: [topic] })
      await other.run({ onBatch: inbox.takeAll })
      await aborted
      await expect
        .poll(() => [one.assignment().length, other.assignment().length], { timeout: 15_000 })
        .toEqual([1, 1])
      // both are members in good standing: a driver that sent this commit would send it under the new generation, and succeed
      expect(await batch.commit(nextOffset(batch))).toBe('stale')
      await inbox.atLeast(1)
      const admin = transport.admin()
      const committed = await admin.groupOffsets(group, topic)
      await admin.close()
      expect(committed.filter((offset) => offset !== undefined)).toEqual([1n])
      letGo.resolve()
    })

    test('pauses one partition on `retryAfter`, goes on there at the given offset, and with the others meanwhile', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 10, 2))
      const [slow, quick] = [new Inbox(), new Inbox()]
      let failedAtMs = 0
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          if (batch.partition === 1) return quick.takeAll(batch)
          slow.add(batch)
          if (failedAtMs > 0) return done
          failedAtMs = performance.now()
          return { kind: 'retryAfter', retryAfterMs: 1_500, nextOffset: 3n }
        },
      })
      await slow.atLeast(5)
      await publish(numbered(topic, 10, 2, 10))
      await quick.atLeast(10)
      expect(performance.now() - failedAtMs).toBeLessThan(1_400)
      await slow.atLeast(5 + 7)
      expect(performance.now() - failedAtMs).toBeGreaterThan(1_400)
      expect(slow.records.slice(5).map(({ offset }) => offset)).toEqual([3n, 4n, 5n, 6n, 7n, 8n, 9n])
    })

    test('goes on at once where `retryAfter` names no pause', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(1)
      await publish(numbered(topic, 3))
      const inbox = new Inbox()
      let isFirst = true
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          inbox.add(batch)
          if (!isFirst) return done
          isFirst = false
          return { kind: 'retryAfter', retryAfterMs: 0, nextOffset: 1n }
        },
      })
      await inbox.until(() => inbox.values().includes('2'), 'the first batch')
      await publish(numbered(topic, 1, 1, 3))
      await inbox.until(() => inbox.values().includes('3'), 'a later record')
      expect(inbox.values().filter((value) => value === '1').length).toBe(2)
    })

    test('hands a batch over again after a handler threw; other partitions do not notice', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 4, 2))
      const [thrown, quick] = [new Inbox(), new Inbox()]
      let failures = 0
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          if (batch.partition === 1) return quick.takeAll(batch)
          if ((failures += 1) === 1) throw new Error('a handler’s own trouble')
          return thrown.takeAll(batch)
        },
      })
      await quick.atLeast(2)
      await thrown.atLeast(2)
      expect(thrown.values()).toEqual(['0', '2'])
      expect(failures).toBe(2)
    })

    test('stays a member while a handler works longer than the session, and reads other partitions meanwhile', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 2, 2))
      const quick = new Inbox()
      const begun = Promise.withResolvers<ReceivedBatch>()
      const letGo = Promise.withResolvers<void>()
      const committed = Promise.withResolvers<string>()
      let handed = 0
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          if (batch.partition === 1) return quick.takeAll(batch)
          handed += 1
          begun.resolve(batch)
          await letGo.promise
          committed.resolve(await batch.commit(nextOffset(batch)))
          return done
        },
      })
      const batch = await begun.promise
      const begunMs = performance.now()
      for (let round = 1; performance.now() - begunMs < 2.5 * quickMember.sessionTimeoutMs; round += 1) {
        await publish(numbered(topic, 2, 2, 2 * round))
        await quick.atLeast(1 + round)
      }
      expect(batch.signal.aborted).toBe(false)
      letGo.resolve()
      expect(await committed.promise).toBe('committed')
      expect(handed).toBe(1)
    })

    test('reads a topic that other members of the group do not know', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [shared, own, group] = [await newTopic(2), await newTopic(2), uniqueName()]
      const [first, second] = [new Inbox(), new Inbox()]
      // the first to join deals out for all
      const old = subscriber({ group, topics: [shared] })
      await old.run({ onBatch: first.takeAll })
      const recent = subscriber({ group, topics: [shared, own] })
      await recent.run({ onBatch: second.takeAll })
      const held = (): string[] => [...old.assignment(), ...recent.assignment()].toSorted()
      const all = [shared, own]
        .flatMap((topic) => [0, 1].map((partition) => `${topic}/${partition}`))
        .toSorted()
      await expect.poll(held, { timeout: 15_000 }).toEqual(all)
      await publish(numbered(own, 4, 2))
      await second.atLeast(4)
      expect(first.records).toEqual([])
    })

    test('waits for topics that do not exist', async () => {
      const { uniqueName, transport, publish, subscriber } = harness()
      const topic = uniqueName()
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      let isRunning = false
      const running = member.run({ onBatch: inbox.takeAll }).then(() => (isRunning = true))
      const admin = transport.admin()
      expect(await admin.partitionCounts([topic])).toEqual(new Map())
      expect(isRunning).toBe(false)
      await admin.createTopics([{ topic, partitions: 1 }])
      await admin.close()
      await running
      await publish(numbered(topic, 1))
      await inbox.atLeast(1)
    })

    test('reads the topics that exist and takes in the others when they come', async () => {
      const { newTopic, uniqueName, transport, publish, subscriber } = harness()
      const [topic, later] = [await newTopic(1), uniqueName()]
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [topic, later] })
      await member.run({ onBatch: inbox.takeAll })
      await publish(numbered(topic, 1))
      await inbox.atLeast(1)
      const admin = transport.admin()
      await admin.createTopics([{ topic: later, partitions: 1 }])
      await admin.close()
      await publish([...numbered(later, 1), ...numbered(topic, 1, 1, 1)])
      await inbox.until(() => inbox.records.some((it) => it.topic === later), 'a record of the later topic')
      await inbox.until(
        () => inbox.records.some((it) => it.topic === topic && it.offset === 1n),
        'the other one',
      )
      expect(member.assignment()).toEqual([`${later}/0`, `${topic}/0`].toSorted())
    })

    test('goes on with its other topics after one was deleted, also when that one is created anew', async () => {
      const { newTopic, uniqueName, transport, publish, subscriber, deleteTopic } = harness()
      const [kept, deleted] = [await newTopic(1), await newTopic(1)]
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [kept, deleted] })
      await member.run({ onBatch: inbox.takeAll })
      await publish([...numbered(kept, 1), ...numbered(deleted, 1)])
      await inbox.atLeast(2)
      await deleteTopic(deleted)
      await publish(numbered(kept, 1, 1, 1))
      await inbox.until(() => inbox.values().includes('1'), 'a record of the other topic')
      const admin = transport.admin()
      await expect
        .poll(async () => (await admin.partitionCounts([deleted])).size, { timeout: 15_000 })
        .toBe(0)
      await admin.createTopics([{ topic: deleted, partitions: 1 }])
      await admin.close()
      await publish(numbered(deleted, 1, 1, 2))
      await inbox.until(() => inbox.values().includes('2'), 'a record of the new topic', 25_000)
    })

    test('stops: aborts the signal, waits for the batch in hand, whose commit counts', async () => {
      const { newTopic, publish, subscriber, uniqueName, transport } = harness()
      const [topic, group] = [await newTopic(1), uniqueName()]
      await publish(numbered(topic, 5))
      const begun = Promise.withResolvers<void>()
      const outcome = Promise.withResolvers<string>()
      const member = subscriber({ group, topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          begun.resolve()
          await new Promise<void>((resolve) => batch.signal.addEventListener('abort', () => resolve()))
          outcome.resolve(await batch.commit(2n))
          return { kind: 'stop' }
        },
      })
      await begun.promise
      await member.stop()
      expect(await outcome.promise).toBe('committed')
      const admin = transport.admin()
      expect(await admin.groupOffsets(group, topic)).toEqual([2n])
      await admin.close()
      await member.stop()
    })

    test('stops within its grace although a handler hangs; that handler’s commit is stale', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(1)
      await publish(numbered(topic, 1))
      const held = Promise.withResolvers<ReceivedBatch>()
      const letGo = Promise.withResolvers<void>()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          held.resolve(batch)
          await letGo.promise
          return done
        },
      })
      const batch = await held.promise
      const begunMs = performance.now()
      await member.stop({ graceMs: 300 })
      expect(performance.now() - begunMs).toBeLessThan(4_000)
      expect(await batch.commit(nextOffset(batch))).toBe('stale')
      letGo.resolve()
    })

    test('can stop before its topics exist, and run again after it stopped', async () => {
      const { newTopic, publish, subscriber, uniqueName, transport } = harness()
      const topic = uniqueName()
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      const running = member.run({ onBatch: inbox.takeAll })
      await expect(member.run({ onBatch: inbox.takeAll })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
      await member.stop()
      await running
      const admin = transport.admin()
      await admin.createTopics([{ topic, partitions: 1 }])
      await admin.close()
      await member.run({ onBatch: inbox.takeAll })
      await publish(numbered(topic, 1))
      await inbox.atLeast(1)
      expect(await newTopic(1)).not.toBe(topic)
    })

    test('hands over no more partitions at a time than it may', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(5)
      await publish(numbered(topic, 5, 5))
      const inbox = new Inbox()
      let inHand = 0
      let inHandMax = 0
      const twoInHand = Promise.withResolvers<void>()
      const letGo = Promise.withResolvers<void>()
      const member = subscriber({ group: uniqueName(), topics: [topic], partitionsConcurrentMax: 2 })
      await member.run({
        onBatch: async (batch) => {
          inHand += 1
          inHandMax = Math.max(inHandMax, inHand)
          if (inHand === 2) twoInHand.resolve()
          await letGo.promise
          inHand -= 1
          return inbox.takeAll(batch)
        },
      })
      await twoInHand.promise
      letGo.resolve()
      await inbox.atLeast(5)
      expect(inHandMax).toBe(2)
    })
  })
}
