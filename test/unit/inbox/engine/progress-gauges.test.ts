import { expect, test } from 'vitest'
import { type PartitionProgress, withProgressGauges } from '../../../../src/inbox/engine/progress-gauges.ts'
import type { ProcessPart } from '../../../../src/kernel/lifecycle.ts'
import { type Metrics, silentMetrics } from '../../../../src/kernel/metrics/metrics.ts'
import { until } from '../hand-fed.ts'
import { recordWith } from '../records.ts'
import { leapingClock } from './leaping-clock.ts'

const member: ProcessPart = {
  name: 'consumer g',
  start: async () => undefined,
  stop: async () => undefined,
  health: () => ({ state: 'running' }),
}

function keptMetrics(): { readonly metrics: Metrics; readonly values: Map<string, number | undefined> } {
  const values = new Map<string, number | undefined>()
  const metrics: Metrics = {
    ...silentMetrics,
    isRecording: true,
    gauge: ({ name }, { topic, partition }) => ({
      set: (value) => void values.set(`${name} ${topic}/${partition}`, value),
    }),
  }
  return { metrics, values }
}

const progressOf = (partition: number, timestampMs: number): PartitionProgress => ({
  topic: 't',
  partition,
  highWatermark: 100n,
  machine: { nextOffset: 40n, oldest: recordWith({ timestampMs }), count: 7, heldCount: 2 },
})

test('lag, age, what is in hand and the keys that wait are shown for each partition, as long as it is held', async () => {
  const { metrics, values } = keptMetrics()
  const clock = leapingClock()
  let held = [progressOf(0, -5_000), progressOf(1, 10_000_000)]
  const part = withProgressGauges(member, { metrics, group: 'g', clock, progress: () => held })
  await part.start()
  expect(Object.fromEntries(values)).toEqual({
    'backstitch.group.lag t/0': 60,
    'backstitch.group.oldest.age t/0': 5,
    'backstitch.group.unfinished t/0': 7,
    'backstitch.group.held.keys t/0': 2,
    'backstitch.group.lag t/1': 60,
    'backstitch.group.oldest.age t/1': 0,
    'backstitch.group.unfinished t/1': 7,
    'backstitch.group.held.keys t/1': 2,
  })
  held = held.slice(1)
  await until('the next look', () => values.get('backstitch.group.lag t/0') === undefined)
  expect(values.get('backstitch.group.lag t/1')).toBe(60)
  held = []
  await part.stop()
  await until('the last look', () => values.get('backstitch.group.lag t/1') === undefined)
})

test('nothing is measured where nothing is kept', () => {
  const options = { metrics: silentMetrics, group: 'g', clock: leapingClock(), progress: () => [] }
  expect(withProgressGauges(member, options)).toBe(member)
})
