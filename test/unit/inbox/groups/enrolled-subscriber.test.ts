import { expect, test } from 'vitest'
import { enrolledSubscriber } from '../../../../src/inbox/groups/enrolled-subscriber.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import type { BatchHandler, ReceivedBatch, Subscriber } from '../../../../src/transport/subscriber.ts'

/** A member whose batches the test hands over. */
async function member(enrol: () => Promise<void>) {
  let handler: BatchHandler | undefined
  const calls: string[] = []
  const inner: Subscriber = {
    run: (given) => {
      handler = given
      return Promise.resolve()
    },
    stop: () => {
      calls.push('stop')
      return Promise.resolve()
    },
    assignment: () => ['order/0'],
  }
  const subscriber = enrolledSubscriber(inner, {
    enrol: async () => {
      calls.push('enrol')
      await enrol()
    },
    upkeep: {
      start: () => void calls.push('upkeep starts'),
      stop: () => {
        calls.push('upkeep stops')
        return Promise.resolve()
      },
    },
    logger: silentLogger,
  })
  await subscriber.run({
    onBatch: ({ partition }) => {
      calls.push(`batch of ${partition}`)
      return Promise.resolve({ kind: 'done' })
    },
    settle: () => {
      calls.push('settle')
      return Promise.resolve()
    },
  })
  const batch = (signal: AbortSignal, partition = 0): ReceivedBatch => ({
    topic: 'order',
    partition,
    records: [],
    highWatermark: 7n,
    signal,
    commit: () => Promise.resolve('committed'),
  })
  return {
    subscriber,
    calls,
    deliver: (...of: Parameters<typeof batch>) => handler!.onBatch(batch(...of)),
    handler: handler!,
  }
}

test('a group is enrolled before its first batch of each tenure, once for all partitions', async () => {
  const { deliver, calls } = await member(() => Promise.resolve())
  const [first, second] = [new AbortController().signal, new AbortController().signal]
  await Promise.all([deliver(first, 0), deliver(first, 1)])
  await deliver(first, 0)
  await deliver(second, 1)
  expect(calls).toEqual([
    'upkeep starts',
    'enrol',
    'batch of 0',
    'batch of 1',
    'batch of 0',
    'enrol',
    'batch of 1',
  ])
})

test('what was read waits while it cannot be enrolled, and is handed over once it can', async () => {
  let isDown = true
  const { deliver, calls } = await member(() =>
    isDown ? Promise.reject(new BackstitchError('DATABASE_UNREACHABLE', 'db')) : Promise.resolve(),
  )
  const { signal } = new AbortController()
  expect(await deliver(signal)).toEqual({ kind: 'retryAfter', retryAfterMs: 1_000, nextOffset: 7n })
  isDown = false
  expect(await deliver(signal)).toEqual({ kind: 'done' })
  expect(calls).toEqual(['upkeep starts', 'enrol', 'enrol', 'batch of 0'])
})

test('it settles, stops and tells its partitions as the subscriber does', async () => {
  const { subscriber, handler, calls } = await member(() => Promise.resolve())
  await handler.settle?.()
  await subscriber.stop()
  expect(calls).toEqual(['upkeep starts', 'settle', 'upkeep stops', 'stop'])
  expect(subscriber.assignment()).toEqual(['order/0'])
})
