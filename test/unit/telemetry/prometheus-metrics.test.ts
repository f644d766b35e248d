import { expect, test } from 'vitest'
import type { MetricDefinition } from '../../../src/kernel/metrics/metrics.ts'
import { prometheusMetrics } from '../../../src/telemetry/prometheus-metrics.ts'
import { codeThrownBy } from '../thrown-code.ts'

const sent: MetricDefinition = { kind: 'counter', name: 'shop.sent', unit: '{record}', description: 'Sent.' }
const took: MetricDefinition = {
  kind: 'histogram',
  name: 'shop.took',
  unit: 's',
  description: 'Took.',
  buckets: [0.1, 1],
}
const left: MetricDefinition = { kind: 'gauge', name: 'shop.left', unit: 'By', description: 'a\\b\nc' }

test('prints counters, gauges and histograms as Prometheus reads them', () => {
  const metrics = prometheusMetrics()
  metrics.counter(sent, { database: 'orders' }).add(2)
  metrics.counter(sent, { database: 'orders' }).add(3) // the same series
  metrics.counter(sent, { database: 'a"b\\c\nd' }).add(1)
  const histogram = metrics.histogram(took, {})
  for (const value of [0.1, 0.5, 7]) histogram.record(value)
  metrics.gauge(left, { b: '2', a: '1' }).set(9)
  metrics.gauge(left, { a: '1', b: '2' }).set(8)
  expect(metrics.expose()).toBe(String.raw`# HELP shop_sent_total Sent.
# TYPE shop_sent_total counter
shop_sent_total{database="orders"} 5
shop_sent_total{database="a\"b\\c\nd"} 1
# HELP shop_took_seconds Took.
# TYPE shop_took_seconds histogram
shop_took_seconds_bucket{le="0.1"} 1
shop_took_seconds_bucket{le="1"} 2
shop_took_seconds_bucket{le="+Inf"} 3
shop_took_seconds_sum 7.6
shop_took_seconds_count 3
# HELP shop_left_bytes a\\b\nc
# TYPE shop_left_bytes gauge
shop_left_bytes{a="1",b="2"} 8
`)
})

test('a gauge that is not known any more is not shown', () => {
  const metrics = prometheusMetrics()
  const gauge = metrics.gauge(left, {})
  expect(metrics.expose()).toBe('')
  gauge.set(1)
  expect(metrics.expose()).toContain('shop_left_bytes 1')
  gauge.set(undefined)
  expect(metrics.expose()).toBe('')
})

test('refuses a name that is of another kind already', () => {
  const metrics = prometheusMetrics()
  metrics.gauge({ ...left, name: 'x', unit: '{a}' }, {})
  expect(codeThrownBy(() => metrics.histogram({ ...took, name: 'x', unit: '{a}' }, {}))).toBe(
    'CONFIG_INVALID',
  )
})
