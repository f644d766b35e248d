import type {
  Counter,
  Gauge,
  Histogram,
  MetricDefinition,
  MetricLabels,
  Metrics,
} from '../kernel/metrics/metrics.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { prometheusName } from './prometheus-name.ts'

/** {@link Metrics} that can be read in Prometheus’s text format. */
export type PrometheusMetrics = Metrics & {
  /** All series as they are now, in the text format 0.0.4. */
  expose(): string
}

/** One series: its labels as text, and its lines. */
type Series = { lines(name: string): readonly string[] }

type Family = { readonly definition: MetricDefinition; readonly series: Map<string, Series> }

/**
 * Keeps measurements in memory and prints them for Prometheus. Names are made as OpenTelemetry’s exporter makes them:
 * `backstitch.relay.lag` in `s` is `backstitch_relay_lag_seconds`, a counter ends in `_total`.
 *
 * @example
 * const metrics = prometheusMetrics()
 * const relay = createRelay({ databases, transport, metrics })
 * app.get('/metrics', (_, response) => response.type('text/plain').send(metrics.expose()))
 */
export function prometheusMetrics(): PrometheusMetrics {
  const families = new Map<string, Family>()

  const seriesOf = <Made extends Series>(
    definition: MetricDefinition,
    labels: MetricLabels,
    make: (labels: string) => Made,
  ): Made => {
    const name = prometheusName(definition)
    const family = families.get(name) ?? { definition, series: new Map<string, Series>() }
    if (family.definition.kind !== definition.kind)
      throw new BackstitchError(
        'CONFIG_INVALID',
        `metrics: ${name} is a ${family.definition.kind} and a ${definition.kind}`,
      )
    families.set(name, family)
    const text = labelsText(labels)
    // of one kind, so made by the same function
    const found = family.series.get(text) as Made | undefined
    if (found) return found
    const made = make(text)
    family.series.set(text, made)
    return made
  }

  return {
    isRecording: true,
    counter: (definition, labels) => seriesOf(definition, labels, (text) => new CounterSeries(text)),
    gauge: (definition, labels) => seriesOf(definition, labels, (text) => new GaugeSeries(text)),
    histogram: (definition, labels) =>
      seriesOf(definition, labels, (text) => new HistogramSeries(text, definition.buckets ?? [])),
    expose: () =>
      [...families]
        .flatMap(([name, { definition, series }]) => {
          const lines = [...series.values()].flatMap((one) => one.lines(name))
          if (lines.length === 0) return []
          const help = definition.description.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
          return [`# HELP ${name} ${help}`, `# TYPE ${name} ${definition.kind}`, ...lines]
        })
        .map((line) => `${line}\n`)
        .join(''),
  }
}

class CounterSeries implements Counter, Series {
  readonly #labels: string
  #value = 0

  constructor(labels: string) {
    this.#labels = labels
  }

  add(amount: number): void {
    this.#value += amount
  }

  lines(name: string): readonly string[] {
    return [`${name}${inBraces(this.#labels)} ${this.#value}`]
  }
}

class GaugeSeries implements Gauge, Series {
  readonly #labels: string
  #value: number | undefined

  constructor(labels: string) {
    this.#labels = labels
  }

  set(value: number | undefined): void {
    this.#value = value
  }

  lines(name: string): readonly string[] {
    return this.#value === undefined ? [] : [`${name}${inBraces(this.#labels)} ${this.#value}`]
  }
}

class HistogramSeries implements Histogram, Series {
  readonly #labels: string
  readonly #bounds: readonly number[]
  /** One more than there are bounds: what is above all of them. */
  readonly #counts: number[]
  #sum = 0

  constructor(labels: string, bounds: readonly number[]) {
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  record(value: number): void {
    const bounds = this.#bounds
    let index = 0
    while (index < bounds.length && value > (bounds[index] ?? 0)) index++
    this.#counts[index] = (this.#counts[index] ?? 0) + 1
    this.#sum += value
  }

  lines(name: string): readonly string[] {
    let below = 0
    const labels = this.#labels === '' ? '' : `${this.#labels},`
    const buckets = this.#counts.map((count, index) => {
      below += count
      return `${name}_bucket{${labels}le="${this.#bounds[index] ?? '+Inf'}"} ${below}`
    })
    const braces = inBraces(this.#labels)
    return [...buckets, `${name}_sum${braces} ${this.#sum}`, `${name}_count${braces} ${below}`]
  }
}

function inBraces(labels: string): string {
  return labels === '' ? '' : `{${labels}}`
}

/** Labels in the order of their names, so that the same ones give the same text. */
function labelsText(labels: MetricLabels): string {
  return Object.entries(labels)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, value]) => `${name}="${escaped(value)}"`)
    .join(',')
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
