import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import type { ReceivedBatch } from '../../../src/transport/subscriber.ts'
import { eachDriver } from '../../conformance/transport/real-drivers.ts'
import { harnessFor, Inbox, nextOffset, numbered } from '../../conformance/transport/transport-harness.ts'
import { uniqueName } from '../../support/services.ts'
import { pause } from '../world/until.ts'

let services: OwnServices
beforeAll(async () => {
  services = await startServices({ own: true, postgres: false, kafka: true })
})
afterAll(() => services.stop())

describe.each(eachDriver)('a member over $name', ({ driver }) => {
  const harness = harnessFor(() => ({
    transport: driver({
      brokers: services.kafka.brokers,
      requestTimeoutMs: 2_000,
      connectionTimeoutMs: 1_000,
    }),
    uniqueName,
    deleteTopic: () => Promise.reject(new Error('not needed here')),
  }))

  test.each<[string, number]>([
    ['for a moment', 0],
    ['for longer than its session', 4_000],
  ])(
    'has records in hand while the broker is down %s: each is committed, or comes again',
    async (_, downMs) => {
      const { newTopic, publish, subscriber, transport } = harness()
      const [topic, group] = [await newTopic(2), uniqueName()]
      await publish(numbered(topic, 4, 2))
      const inbox = new Inbox()
      const held: ReceivedBatch[] = []
      const letGo = Promise.withResolvers<void>()
      let isHolding = true
      const member = subscriber({ group, topics: [topic] })
      await member.run({
        onBatch: async (batch) => {
          inbox.add(batch)
          if (isHolding) held.push(batch)
          else await committed(batch)
          return isHolding ? { kind: 'done', pauseUntil: letGo.promise } : { kind: 'done' }
        },
      })
      await inbox.atLeast(4)
      await services.kafka.kill('SIGKILL')
      await pause(downMs)
      await services.kafka.restart()
      isHolding = false
      const outcomes = await Promise.all(held.map(committed))
      letGo.resolve()
      await publish(numbered(topic, 4, 2, 4))
      const all = ['0', '1', '2', '3', '4', '5', '6', '7']
      await inbox.until(
        () => new Set(inbox.values()).size === all.length,
        'the records after the restart',
        60_000,
      )
      const admin = transport.admin()
      await expect.poll(() => admin.groupOffsets(group, topic), { timeout: 30_000 }).toEqual([4n, 4n])
      await admin.close()
      for (const [index, outcome] of outcomes.entries()) {
        const values = held[index]!.records.map(({ value }) => String(value))
        const again = values.filter((value) => inbox.values().filter((it) => it === value).length > 1)
        console.log('after a restart', { outcome, values, again })
        if (outcome === 'stale') expect(again).toEqual(values)
      }
    },
  )
})

/** Commits a batch; what could not be stored is tried again, as any handler does that goes on. */
async function committed(batch: ReceivedBatch): Promise<'committed' | 'stale'> {
  for (let tries = 1; ; tries++) {
    const outcome = await batch.commit(nextOffset(batch))
    if (outcome !== 'failed') return outcome
    if (tries === 50) throw new Error('50 commits failed')
    await pause(200)
  }
}
