import { expect, test } from 'vitest'
import { progressMetricCatalogue } from '../../../src/inbox/engine/progress-gauges.ts'
import { groupMetricCatalogue } from '../../../src/inbox/group-metrics.ts'
import type { MetricDefinition } from '../../../src/kernel/metrics/metrics.ts'
import {
  publishMetricCatalogue,
  relayFailures,
  relayMetricCatalogue,
} from '../../../src/relay/telemetry/relay-metrics.ts'
import { processMetricCatalogue } from '../../../src/telemetry/process-metrics.ts'
import { prometheusName } from '../../../src/telemetry/prometheus-name.ts'

const introduction = `# Metrics, health and readiness

\`backstitch relay --metrics-port 9464\` (or \`http: { port: 9464 }\` in the configuration; off by default) serves three pages over HTTP. They tell
and take no orders; the server knows no users, so it belongs on an inner network.

| Page | Answer |
|---|---|
| \`/metrics\` | all of the below, in Prometheus’s text format |
| \`/healthz\` | 200 while the process is alive. 503 only when a part is *stalled*: it owns an outbox and has for three terms of its lease (at least 10 s) neither looked at it nor heard from a publish, or saved nothing. No server is to blame then, and only a new process helps. |
| \`/readyz\` | 200 while every part is \`running\` or \`standby\`: a standby is ready to take over. 503 while one is \`starting\`, \`failing\` or \`stalled\`, and from the first SIGTERM on, while the process finishes what is in hand. |

The two probes answer in JSON with the state of each part and the reason. A relay that waits for Kafka or Postgres is alive and not ready:
a new process would do no better.

In a program of yours, give the parts the port: \`createRelay({ ..., metrics: prometheusMetrics() })\`, and serve its \`expose()\`. Any other
system takes a few lines: \`Metrics\` makes instruments that are bound to their labels once and then only called, as those of OpenTelemetry are.
Without \`metrics\` nothing is measured. Measuring costs the relay less than a tenth of a microsecond of CPU a record (0.06 us measured).

What to be alarmed by: \`backstitch_relay_oldest_age_seconds\` above what your consumers can stand; the sum of \`backstitch_relay_lease_held\` over
all processes other than the number of outboxes; \`backstitch_relay_parked_rows\`, \`backstitch_group_lag\` or \`backstitch_group_dead_letters_total\` rising; \`/healthz\` failing.

`

const tables: readonly (readonly [
  title: string,
  labels: string,
  Readonly<Record<string, MetricDefinition>>,
])[] = [
  ['The relay, by outbox', '`database`', { ...relayMetricCatalogue, relayFailures }],
  ['Publishing to Kafka', '`transport`', publishMetricCatalogue],
  ['Consumers, participants and orchestrators', '`group` and `kind`', groupMetricCatalogue],
  ['Partitions of consumers and participants', '`group`, `topic` and `partition`', progressMetricCatalogue],
  ['The process', 'none', processMetricCatalogue],
]

test('docs/operating/metrics.md lists the catalogues (written by: npx vitest run --project unit test/unit/docs --update)', async () => {
  const text = tables.map(([title, labels, catalogue]) => {
    const rows = Object.values(catalogue).map(
      (one) => `| \`${prometheusName(one)}\` | ${one.kind} | ${one.description} |\n`,
    )
    return `## ${title}\n\nLabels: ${labels}.\n\n| Metric | Kind | What it says |\n|---|---|---|\n${rows.join('')}`
  })
  await expect(introduction + text.join('\n')).toMatchFileSnapshot('../../../docs/operating/metrics.md')
})

test('no two metrics have one name', () => {
  const names = tables.flatMap(([, , catalogue]) => Object.values(catalogue).map(prometheusName))
  expect(new Set(names).size).toBe(names.length)
})
