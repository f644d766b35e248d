import { describe, expect, test } from 'vitest'
import type { BatchResult, ReceivedBatch } from '../../../../src/transport/subscriber.ts'
import { Inbox, nextOffset, numbered, quickMember, type TransportHarness } from '../transport-harness.ts'

const done: BatchResult = { kind: 'done' }
const never = (): Promise<never> => new Promise(() => undefined)
const assigned = { timeout: 15_000 }

/** What every subscriber must do for a handler that takes batches and works on them beside it. */
export function handOverConformance(harness: () => TransportHarness): void {
  const groupOffsets = async (group: string, topic: string): Promise<readonly (bigint | undefined)[]> => {
    const admin = harness().transport.admin()
    const offsets = await admin.groupOffsets(group, topic)
    await admin.close()
    return offsets
  }

  describe('a subscriber whose handler returns before its records are handled', () => {
    test('takes commits as long as it has the partition, of later and of earlier batches', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [topic, group] = [await newTopic(1), uniqueName()]
      await publish(numbered(topic, 3))
      const inbox = new Inbox()
      const batches: ReceivedBatch[] = []
      const member = subscriber({ group, topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          batches.push(batch)
          inbox.add(batch)
          return done
        },
      })
      await inbox.atLeast(3)
      await publish(numbered(topic, 2, 1, 3))
      await inbox.atLeast(5)
      expect(await batches.at(-1)!.commit(4n)).toBe('committed')
      expect(await groupOffsets(group, topic)).toEqual([4n])
      expect(await batches[0]!.commit(5n)).toBe('committed')
      expect(await groupOffsets(group, topic)).toEqual([5n])
      expect(inbox.values()).toEqual(['0', '1', '2', '3', '4'])
    })

    test('hands over nothing more of a partition before `pauseUntil` resolves, and other partitions meanwhile', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 2, 2))
      const [paused, free] = [new Inbox(), new Inbox()]
      const letGo = Promise.withResolvers<void>()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          if (batch.partition === 1) return free.takeAll(batch)
          paused.add(batch)
          return { kind: 'done', pauseUntil: letGo.promise }
        },
      })
      await paused.atLeast(1)
      for (let round = 1; round <= 5; round += 1) {
        await publish(numbered(topic, 2, 2, 2 * round))
        await free.atLeast(1 + round)
      }
      expect(paused.values()).toEqual(['0'])
      letGo.resolve()
      await paused.atLeast(6)
      expect(paused.values()).toEqual(['0', '2', '4', '6', '8', '10'])
    })

    test('stays a member for longer than a session while all its partitions are paused', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 2, 2))
      const inbox = new Inbox()
      const letGo = Promise.withResolvers<void>()
      const batches: ReceivedBatch[] = []
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          batches.push(batch)
          inbox.add(batch)
          return { kind: 'done', pauseUntil: letGo.promise }
        },
      })
      await inbox.atLeast(2)
      await publish(numbered(topic, 2, 2, 2))
      await new Promise((resolve) => setTimeout(resolve, 2.5 * quickMember.sessionTimeoutMs))
      expect(inbox.values().toSorted()).toEqual(['0', '1'])
      for (const batch of batches) {
        expect(batch.signal.aborted).toBe(false)
        expect(await batch.commit(nextOffset(batch))).toBe('committed')
      }
      letGo.resolve()
      await inbox.atLeast(4)
    })

    test('reads a paused partition again soon, although a fetch without records is held long', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 2, 2))
      const inbox = new Inbox()
      const handedMs: number[] = []
      const member = subscriber({ group: uniqueName(), topics: [topic], maxWaitMs: 4_000 })
      let letGo = Promise.withResolvers<void>()
      await member.run({
        onBatch: async (batch) => {
          if (batch.partition === 0) handedMs.push(performance.now())
          inbox.add(batch)
          return batch.partition === 0 ? { kind: 'done', pauseUntil: letGo.promise } : done
        },
      })
      await inbox.atLeast(2)
      await publish(numbered(topic, 1, 1, 2))
      await new Promise((resolve) => setTimeout(resolve, 300))
      const resumedMs = performance.now()
      letGo.resolve()
      letGo = Promise.withResolvers()
      await inbox.atLeast(3)
      expect(handedMs[1]! - resumedMs).toBeLessThan(2_000)
    })

    test('goes on where `pauseUntil` rejects', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(1)
      await publish(numbered(topic, 1))
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          inbox.add(batch)
          return { kind: 'done', pauseUntil: Promise.reject(new Error('a handler’s own trouble')) }
        },
      })
      await inbox.atLeast(1)
      await publish(numbered(topic, 1, 1, 1))
      await inbox.atLeast(2)
    })

    test('is not held up by the limit of batches at a time', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(5)
      await publish(numbered(topic, 5, 5))
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [topic], partitionsConcurrentMax: 1 })
      await member.run({
        onBatch: async (batch) => {
          inbox.add(batch)
          return { kind: 'done', pauseUntil: never() }
        },
      })
      await inbox.atLeast(5)
    })

    test('hands over nothing more of a partition after `stop`', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(2)
      await publish(numbered(topic, 2, 2))
      const [stopped, free] = [new Inbox(), new Inbox()]
      const letGo = Promise.withResolvers<void>()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          if (batch.partition === 1) return free.takeAll(batch)
          stopped.add(batch)
          await letGo.promise
          return { kind: 'stop' }
        },
      })
      await stopped.atLeast(1)
      // enough for a driver to have fetched ahead of the one in hand
      for (let round = 1; round <= 3; round += 1) {
        await publish(numbered(topic, 2, 2, 2 * round))
        await free.atLeast(1 + round)
      }
      letGo.resolve()
      for (let round = 4; round <= 6; round += 1) {
        await publish(numbered(topic, 2, 2, 2 * round))
        await free.atLeast(1 + round)
      }
      expect(stopped.values()).toEqual(['0'])
    })

    test('lets it settle before it joins anew: the next owner goes on behind what was in hand', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [topic, group] = [await newTopic(2), uniqueName()]
      await publish(numbered(topic, 2, 2))
      const first = new Inbox()
      const batches: ReceivedBatch[] = []
      const settling: string[] = []
      const one = subscriber({ group, topics: [topic] })
      await one.run({
        onBatch: async (batch) => {
          batches.push(batch)
          first.add(batch)
          return { kind: 'done', pauseUntil: never() }
        },
        settle: async () => {
          const inHand = batches.splice(0)
          settling.push(...inHand.map(({ signal }) => (signal.aborted ? 'aborted' : 'goes on')))
          await new Promise((resolve) => setTimeout(resolve, 300))
          for (const batch of inHand) settling.push(await batch.commit(nextOffset(batch)))
        },
      })
      await first.atLeast(2)
      const second = new Inbox()
      const other = subscriber({ group, topics: [topic] })
      await other.run({ onBatch: second.takeAll })
      await expect.poll(() => [one.assignment().length, other.assignment().length], assigned).toEqual([1, 1])
      expect(settling).toEqual(['aborted', 'aborted', 'committed', 'committed'])
      expect(await groupOffsets(group, topic)).toEqual([1n, 1n])
      // the tenure is over, and with it all pauses
      await publish(numbered(topic, 2, 2, 2))
      await expect
        .poll(() => [...first.values(), ...second.values()].toSorted(), assigned)
        .toEqual(['0', '1', '2', '3'])
    })

    test('waits for it no longer than its patience; what is committed after that is stale, and comes again', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [topic, group] = [await newTopic(2), uniqueName()]
      await publish(numbered(topic, 2, 2))
      const first = new Inbox()
      const batches: ReceivedBatch[] = []
      let settling = 0
      const one = subscriber({ group, topics: [topic] })
      await one.run({
        onBatch: async (batch) => {
          batches.push(batch)
          first.add(batch)
          return { kind: 'done', pauseUntil: never() }
        },
        settle: () => {
          settling += 1
          return never()
        },
      })
      await first.atLeast(2)
      const second = new Inbox()
      const other = subscriber({ group, topics: [topic] })
      const begunMs = performance.now()
      await other.run({ onBatch: second.takeAll })
      await expect.poll(() => [one.assignment().length, other.assignment().length], assigned).toEqual([1, 1])
      expect(performance.now() - begunMs).toBeLessThan(8_000)
      expect(settling).toBeGreaterThan(0)
      for (const batch of batches.slice(0, 2)) expect(await batch.commit(nextOffset(batch))).toBe('stale')
      // the position is what was committed: nothing
      await second.atLeast(1)
      await first.atLeast(3)
      expect(new Set([first.values()[2], second.values()[0]])).toEqual(new Set(['0', '1']))
    })

    test('ends a pause when the partition is revoked: whoever has it then, the same member too, goes on at the commit', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [topic, group] = [await newTopic(1), uniqueName()]
      await publish(numbered(topic, 3))
      const inboxes = [new Inbox(), new Inbox()]
      const members = inboxes.map(() => subscriber({ group, topics: [topic] }))
      const join = (index: number): Promise<void> =>
        members[index]!.run({
          onBatch: async (batch) => {
            inboxes[index]!.add(batch)
            if (batch.records[0]!.offset === 0n) await batch.commit(1n)
            return { kind: 'done', pauseUntil: never() }
          },
        })
      await join(0)
      await inboxes[0]!.atLeast(3)
      await join(1)
      const values = (): string[] => inboxes.flatMap((inbox) => inbox.values())
      await expect.poll(values, assigned).toEqual(['0', '1', '2', '1', '2'])
      // whichever has it goes, so that the other one is next
      const holder = members.findIndex((member) => member.assignment().length === 1)
      await members[holder]!.stop()
      await expect.poll(() => values().length, assigned).toBe(7)
      const last = inboxes[1 - holder]!.values()
      expect(last.slice(-2)).toEqual(['1', '2'])
    })

    test('leaves also while it joins: a member that stops then does not stand in the way of the others', async () => {
      const { newTopic, publish, subscriber, uniqueName, transport } = harness()
      const [topic, group] = [await newTopic(2), uniqueName()]
      await publish(numbered(topic, 2, 2))
      const inbox = new Inbox()
      const sessionTimeoutMs = 10_000
      const one = subscriber({ group, topics: [topic], sessionTimeoutMs })
      await one.run({ onBatch: inbox.takeAll, settle: never })
      await inbox.atLeast(2)
      const other = subscriber({ group, topics: [topic], sessionTimeoutMs })
      const joining = other.run({ onBatch: async () => done })
      const admin = transport.admin()
      await expect
        .poll(async () => (await admin.describeGroup(group)).state, { timeout: 15_000, interval: 10 })
        .toBe('rebalancing')
      await admin.close()
      await other.stop({ graceMs: 0 })
      await joining
      const goneMs = performance.now()
      await publish(numbered(topic, 2, 2, 2))
      await inbox.until(() => new Set(inbox.values()).size === 4, 'the records of both partitions')
      expect(performance.now() - goneMs).toBeLessThan(sessionTimeoutMs / 2)
      expect(one.assignment()).toHaveLength(2)
    })

    test('stops once all is settled, and what was committed meanwhile counts', async () => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const [topic, group] = [await newTopic(1), uniqueName()]
      await publish(numbered(topic, 3))
      const inbox = new Inbox()
      const batches: ReceivedBatch[] = []
      const settling: (string | boolean)[] = []
      const member = subscriber({ group, topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          batches.push(batch)
          inbox.add(batch)
          return done
        },
        settle: async () => {
          settling.push(batches.every(({ signal }) => signal.aborted))
          await new Promise((resolve) => setTimeout(resolve, 200))
          settling.push(await batches.at(-1)!.commit(3n))
        },
      })
      await inbox.atLeast(3)
      await member.stop()
      expect(settling).toEqual([true, 'committed'])
      expect(await groupOffsets(group, topic)).toEqual([3n])
    })

    test.each([
      ['never settles', never],
      ['throws', () => Promise.reject(new Error('a handler’s own trouble'))],
    ])('stops within its grace where it %s', async (_, settle) => {
      const { newTopic, publish, subscriber, uniqueName } = harness()
      const topic = await newTopic(1)
      await publish(numbered(topic, 1))
      const inbox = new Inbox()
      const member = subscriber({ group: uniqueName(), topics: [topic] })
      await member.run({ onBatch: inbox.takeAll, settle })
      await inbox.atLeast(1)
      const begunMs = performance.now()
      await member.stop({ graceMs: 300 })
      expect(performance.now() - begunMs).toBeLessThan(4_000)
    })
  })
}
