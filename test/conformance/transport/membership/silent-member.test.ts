import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ReceivedBatch } from '../../../../src/transport/subscriber.ts'
import { kafkaBrokers, uniqueName } from '../../../support/services.ts'
import { BrokerProxy } from '../broker-proxy.ts'
import { eachDriver } from '../real-drivers.ts'
import { harnessFor, Inbox, nextOffset, numbered } from '../transport-harness.ts'

describe.each(eachDriver)('a silent member over $name', ({ driver }) => {
  let proxy: BrokerProxy
  beforeEach(async () => {
    proxy = await BrokerProxy.start(kafkaBrokers())
  })
  afterEach(() => proxy.close())

  const harness = (brokers: () => string[]) =>
    harnessFor(() => ({
      transport: driver({ brokers: brokers(), connectionTimeoutMs: 500, requestTimeoutMs: 2_000 }),
      uniqueName,
      deleteTopic: () => Promise.reject(new Error('not needed here')),
    }))
  const direct = harness(kafkaBrokers)
  const proxied = harness(() => proxy.brokers)

  test('is rebuilt; what it had in hand is aborted, cannot be committed, and goes to others or comes again', {
    timeout: 90_000,
  }, async () => {
    const { publish, newTopic, subscriber } = direct()
    const [topic, group] = [await newTopic(2), uniqueName()]
    await publish(numbered(topic, 2, 2))
    const silent = new Inbox()
    const held: ReceivedBatch[] = []
    let isHolding = true
    let settling = 0
    const member = proxied().subscriber({ group, topics: [topic] })
    await member.run({
      onBatch: async (batch) => {
        if (!isHolding) return silent.takeAll(batch)
        held.push(batch)
        silent.add(batch)
        return { kind: 'done', pauseUntil: new Promise(() => undefined) }
      },
      settle: async () => void (settling += 1),
    })
    await silent.atLeast(2)
    // the connections of now are dead, and nobody cuts them
    proxy.hangPresent()
    isHolding = false
    const others = new Inbox()
    const other = subscriber({ group, topics: [topic] })
    await other.run({ onBatch: others.takeAll })
    await expect
      .poll(() => [member.assignment().length, other.assignment().length], { timeout: 60_000 })
      .toEqual([1, 1])
    expect(held.map(({ signal }) => signal.aborted)).toEqual([true, true])
    for (const batch of held) expect(await batch.commit(nextOffset(batch))).toBe('stale')
    expect(settling).toBeGreaterThan(0)
    await publish(numbered(topic, 2, 2, 2))
    const handledAgain = (): string[] =>
      [...silent.values().slice(2), ...others.values()].toSorted((one, two) => Number(one) - Number(two))
    await expect.poll(() => [...new Set(handledAgain())], { timeout: 15_000 }).toEqual(['0', '1', '2', '3'])
  })
})
