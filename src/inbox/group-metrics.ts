import {
  type InstrumentsOf,
  instrumentsOf,
  type MetricCatalogue,
  type Metrics,
  secondsBuckets,
  silentMetrics,
} from '../kernel/metrics/metrics.ts'

/** What a member of a consumer group measures; the labels are its `group` and its `kind`: consumer, participant or orchestrator. */
export const groupMetricCatalogue = {
  handled: {
    kind: 'counter',
    name: 'backstitch.group.handled',
    unit: '{message}',
    description: 'Messages that took effect, each once.',
  },
  duplicates: {
    kind: 'counter',
    name: 'backstitch.group.duplicates',
    unit: '{message}',
    description: 'Messages that were passed over because they had taken effect before.',
  },
  failures: {
    kind: 'counter',
    name: 'backstitch.group.failures',
    unit: '{failure}',
    description: 'Tries that failed and were, or will be, made again.',
  },
  deadLetters: {
    kind: 'counter',
    name: 'backstitch.group.dead.letters',
    unit: '{message}',
    description: 'Messages that were put among the dead letters.',
  },
  redriven: {
    kind: 'counter',
    name: 'backstitch.group.redriven',
    unit: '{message}',
    description:
      'Dead letters that took effect, each once: what was redriven, and what was tried again beside its key.',
  },
  duration: {
    kind: 'histogram',
    name: 'backstitch.group.duration',
    unit: 's',
    description:
      'How long one transaction took, from its begin to its commit: one message, of an orchestrator a batch of them.',
    buckets: secondsBuckets,
  },
} as const satisfies MetricCatalogue

/** The instruments of a member of a group. */
export type GroupInstruments = InstrumentsOf<typeof groupMetricCatalogue>

/** Makes the instruments of a member of a group. */
export function groupInstruments(
  metrics: Metrics,
  labels: { readonly group: string; readonly kind: 'consumer' | 'participant' | 'orchestrator' },
): GroupInstruments {
  return instrumentsOf(metrics, groupMetricCatalogue, labels)
}

/** Measure nothing. */
export const silentGroupInstruments: GroupInstruments = groupInstruments(silentMetrics, {
  group: '',
  kind: 'consumer',
})
