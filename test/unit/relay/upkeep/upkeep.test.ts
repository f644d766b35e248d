import { afterEach, expect, test, vi } from 'vitest'
import { noTestSignals } from '../../../../src/kernel/test-signals.ts'
import type { CheckpointKeeper } from '../../../../src/relay/lease/checkpoint-keeper.ts'
import { Upkeep } from '../../../../src/relay/upkeep/upkeep.ts'

afterEach(() => vi.useRealTimers())

test('checkpoints that could not be emptied are tried again after some seconds, not only with the next turn', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  let isEmptied = false
  const slots: number[] = []
  const session = {
    truncateCheckpoints: (slot: 0 | 1) => {
      slots.push(slot)
      return Promise.resolve(isEmptied)
    },
  }
  const keeper = { number: 4_200n } as CheckpointKeeper
  const upkeep = new Upkeep(session, keeper, noTestSignals)
  expect(upkeep.isDue).toBe(true)
  await upkeep.run()
  expect(upkeep.isDue).toBe(false)
  vi.advanceTimersByTime(2_000)
  expect(upkeep.isDue).toBe(true)
  isEmptied = true
  await upkeep.run()
  vi.advanceTimersByTime(60_000)
  expect(upkeep.isDue).toBe(false)
  expect(slots).toEqual([0, 0])
})
