import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/kernel/clock.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** Whether the promise has settled by now, without waiting for time to pass. */
async function settled(promise: Promise<void>): Promise<boolean> {
  const pending = Symbol('pending')
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

test('tells the time of the machine', () => {
  vi.setSystemTime(1_700_000_000_123)
  expect(systemClock.now()).toBe(1_700_000_000_123)
})

test('pauses for as long as asked', async () => {
  const pause = systemClock.pause(250)
  await vi.advanceTimersByTimeAsync(249)
  expect(await settled(pause)).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(await settled(pause)).toBe(true)
})

test('a signal ends a pause at once and leaves no timer behind', async () => {
  const controller = new AbortController()
  const pause = systemClock.pause(60_000, controller.signal)
  controller.abort()
  await pause
  expect(vi.getTimerCount()).toBe(0)
})

test('a signal that has aborted already lets no pause begin', async () => {
  await systemClock.pause(60_000, AbortSignal.abort())
  expect(vi.getTimerCount()).toBe(0)
})

test('a pause that ran its course lets go of its signal', async () => {
  const { signal } = new AbortController()
  const removed = vi.spyOn(signal, 'removeEventListener')
  const pause = systemClock.pause(10, signal)
  await vi.advanceTimersByTimeAsync(10)
  await pause
  expect(removed).toHaveBeenCalledTimes(1)
})

test('a pause longer than a timer of Node can be does not end at once', async () => {
  const days = 60 * 24 * 3_600_000 // more than 2^31 ms
  const pause = systemClock.pause(days)
  await vi.advanceTimersByTimeAsync(days - 1)
  expect(await settled(pause)).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  expect(await settled(pause)).toBe(true)
})

test('a long pause ends at a signal in its second stretch too', async () => {
  const controller = new AbortController()
  const pause = systemClock.pause(2 ** 33, controller.signal)
  await vi.advanceTimersByTimeAsync(2 ** 31)
  controller.abort()
  await pause
  expect(vi.getTimerCount()).toBe(0)
})
