import { createRequire } from 'node:module'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { quietRequestQueue } from '../../../../src/kafka/kafkajs/client/quiet-request-queue.ts'

type Queue = {
  push(request: { entry: object; expectResponse: boolean; sendRequest: () => void }): void
  fulfillRequest(answer: { correlationId: number; payload: Buffer; size: number }): void
  maybeThrottle(ms: number): void
  destroy(): void
}
type QueueClass = (new (
  options: object,
) => Queue) & { prototype: { scheduleCheckPendingRequests: () => void } }

/** kafkajs’s own queue, in a copy of the module for each test, as it is before anybody patched it. */
function freshQueue(): QueueClass {
  const load = createRequire(import.meta.url)
  const path = load.resolve('kafkajs/src/network/requestQueue')
  const cached = load.cache[path]
  delete load.cache[path]
  const fresh = load(path) as QueueClass
  if (cached) load.cache[path] = cached
  return fresh
}

const quiet = { debug: () => undefined, warn: () => undefined, error: () => undefined }

function queueOf(QueueType: QueueClass, maxInFlightRequests: number): Queue {
  return new QueueType({
    maxInFlightRequests,
    requestTimeout: 10_000,
    enforceRequestTimeout: false,
    clientId: 'c',
    broker: 'b',
    logger: quiet,
  })
}

function push(queue: Queue, correlationId: number, sent: number[]): void {
  queue.push({
    entry: {
      correlationId,
      apiKey: 0,
      apiName: 'Produce',
      apiVersion: 7,
      resolve: () => undefined,
      reject: () => undefined,
    },
    expectResponse: true,
    sendRequest: () => void sent.push(correlationId),
  })
}

const answer = (correlationId: number): { correlationId: number; payload: Buffer; size: number } => ({
  correlationId,
  payload: Buffer.alloc(0),
  size: 0,
})

describe('the quiet request queue', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  test('sets no timer while nothing waits, where kafkajs sets one each millisecond', () => {
    const [stock, patched] = [freshQueue(), freshQueue()]
    expect(quietRequestQueue(patched.prototype as never)).toBe(true)
    for (const [QueueType, timers] of [
      [stock, 1],
      [patched, 0],
    ] as const) {
      const queue = queueOf(QueueType, 1)
      push(queue, 1, [])
      queue.fulfillRequest(answer(1))
      expect(vi.getTimerCount()).toBe(timers)
      vi.advanceTimersByTime(100)
      expect(vi.getTimerCount()).toBe(timers)
      queue.destroy()
      vi.clearAllTimers()
    }
  })

  test('sends what waits for an answer as soon as it comes, in order', () => {
    const patched = freshQueue()
    quietRequestQueue(patched.prototype as never)
    const queue = queueOf(patched, 1)
    const sent: number[] = []
    for (const id of [1, 2, 3]) push(queue, id, sent)
    expect(sent).toEqual([1])
    queue.fulfillRequest(answer(1))
    queue.fulfillRequest(answer(2))
    expect(sent).toEqual([1, 2, 3])
    queue.fulfillRequest(answer(3))
    vi.advanceTimersByTime(20) // the check of what waited goes off once more, and no other follows
    expect(vi.getTimerCount()).toBe(0)
  })

  test('sends what the broker throttles when its time has come', () => {
    const patched = freshQueue()
    quietRequestQueue(patched.prototype as never)
    const queue = queueOf(patched, 5)
    const sent: number[] = []
    queue.maybeThrottle(500)
    push(queue, 1, sent)
    vi.advanceTimersByTime(499)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(2)
    expect(sent).toEqual([1])
    queue.maybeThrottle(300)
    push(queue, 2, sent)
    queue.maybeThrottle(600) // longer, while it waits
    vi.advanceTimersByTime(301)
    expect(sent).toEqual([1])
    vi.advanceTimersByTime(301)
    expect(sent).toEqual([1, 2])
  })

  test('is patched once, and another text of the method is left alone', () => {
    const patched = freshQueue()
    expect(quietRequestQueue(patched.prototype as never)).toBe(true)
    const once = patched.prototype.scheduleCheckPendingRequests
    expect(quietRequestQueue(patched.prototype as never)).toBe(true)
    expect(patched.prototype.scheduleCheckPendingRequests).toBe(once)
    const other = { scheduleCheckPendingRequests: () => undefined }
    const kept = other.scheduleCheckPendingRequests
    expect(quietRequestQueue(other as never)).toBe(false)
    expect(other.scheduleCheckPendingRequests).toBe(kept)
  })

  test('knows the installed kafkajs', () => expect(quietRequestQueue()).toBe(true))
})
