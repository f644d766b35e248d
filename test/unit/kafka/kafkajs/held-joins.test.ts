import { createRequire } from 'node:module'
import { expect, test, vi } from 'vitest'
import { heldJoins } from '../../../../src/kafka/kafkajs/client/held-joins.ts'

test('the installed kafkajs is one whose joins can be held', () => {
  expect(heldJoins()).toBe(true)
  expect(heldJoins()).toBe(true)
})

test('a group joins once its assigners are ready', async () => {
  heldJoins()
  const load = createRequire(import.meta.url)
  const { joinAndSync } = (load('kafkajs/src/consumer/consumerGroup') as { prototype: GroupPrototype })
    .prototype
  const ready = Promise.withResolvers<void>()
  const retrier = vi.fn(async () => undefined)
  const group = { assigners: [{ name: 'foreign' }, { beforeJoining: () => ready.promise }], retrier }
  const joining = joinAndSync.call(group)
  await new Promise((resolve) => setImmediate(resolve))
  expect(retrier).not.toHaveBeenCalled()
  ready.resolve()
  await joining
  expect(retrier).toHaveBeenCalledTimes(1)
})

test('another version of kafkajs is left alone', () => {
  const joinAndSync = async (): Promise<void> => undefined
  const prototype = { joinAndSync, fetch: async () => [] }
  expect(heldJoins(prototype)).toBe(false)
  expect(prototype.joinAndSync).toBe(joinAndSync)
})

type GroupPrototype = { joinAndSync: (this: object) => Promise<void> }
