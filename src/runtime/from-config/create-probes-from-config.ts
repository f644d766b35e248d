import type { ProcessPart } from '../../kernel/lifecycle.ts'
import { type Metrics, silentMetrics } from '../../kernel/metrics/metrics.ts'
import { type ProbeServer, probeServer } from '../../telemetry/probe-server.ts'
import { prometheusMetrics } from '../../telemetry/prometheus-metrics.ts'
import type { Config } from '../config.ts'
import { present } from './present.ts'

/** What watches over a process: where its parts measure, and the server that shows it. */
export type Probes = {
  readonly metrics: Metrics
  /** The server, once the parts are known; `undefined` where the configuration wants none. */
  serverOf(parts: readonly ProcessPart[]): ProbeServer | undefined
}

/** The probes of the configuration: without `http` nothing is measured and nothing listens. */
export function createProbesFromConfig({ http }: Config): Probes {
  if (http === undefined) return { metrics: silentMetrics, serverOf: () => undefined }
  const metrics = prometheusMetrics()
  return { metrics, serverOf: (parts) => probeServer({ ...present(http), parts, metrics }) }
}
