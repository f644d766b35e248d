import type { Gauge, MetricDefinition, Metrics } from '../kernel/metrics/metrics.ts'

/** What is measured of the process itself, each time it is asked for. */
export const processMetricCatalogue = {
  cpu: {
    kind: 'gauge',
    name: 'process.cpu.time',
    unit: 's',
    description: 'CPU time of this process since its start, user and system.',
  },
  memory: {
    kind: 'gauge',
    name: 'process.memory.usage',
    unit: 'By',
    description: 'Resident memory of this process.',
  },
  heap: {
    kind: 'gauge',
    name: 'nodejs.heap.used',
    unit: 'By',
    description: 'Memory that JavaScript objects take.',
  },
  uptime: {
    kind: 'gauge',
    name: 'process.uptime',
    unit: 's',
    description: 'How long this process has run.',
  },
} as const satisfies Record<string, MetricDefinition>

/** Makes the function that measures the process. */
export function processMetrics(metrics: Metrics): () => void {
  const gauge = (name: keyof typeof processMetricCatalogue): Gauge =>
    metrics.gauge(processMetricCatalogue[name], {})
  const [cpu, memory, heap, uptime] = [gauge('cpu'), gauge('memory'), gauge('heap'), gauge('uptime')]
  return () => {
    const { user, system } = process.cpuUsage()
    cpu.set((user + system) / 1e6)
    const usage = process.memoryUsage()
    memory.set(usage.rss)
    heap.set(usage.heapUsed)
    uptime.set(process.uptime())
  }
}
