/** What a metric is called and what it counts. Names have dots and units are UCUM’s, as OpenTelemetry wants them; Prometheus’s are made of them. */
export type MetricDefinition = {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Such as `backstitch.relay.published`. */
  readonly name: string
  /** `s`, `By`, or what is counted in braces: `{record}`. */
  readonly unit: string
  /** One sentence for people. */
  readonly description: string
  /** Of a histogram: the upper bounds of its buckets, rising. */
  readonly buckets?: readonly number[]
}

/** What tells series of one metric apart: `{ database: 'orders' }`. Few values each, and never personal data or ids. */
export type MetricLabels = Readonly<Record<string, string>>

/** Only ever rises. */
export type Counter = { add(amount: number): void }

/** A value as it is now. `undefined`: it is not known any more, and is not shown. */
export type Gauge = { set(value: number | undefined): void }

/** How values are distributed. */
export type Histogram = { record(value: number): void }

/**
 * The port that measurements leave by. Instruments are made once, bound to their labels, and then only called: nothing is looked up or
 * allocated where messages flow. Asked twice for one name and the same labels it gives the same series.
 *
 * An adapter to OpenTelemetry is a few lines: `counter: ({ name, ...options }, labels) => { const it = meter.createCounter(name, options);
 * return { add: (amount) => it.add(amount, labels) } }`.
 */
export type Metrics = {
  /** False when nothing is kept: what costs something to measure need not be measured then. */
  readonly isRecording: boolean
  counter(definition: MetricDefinition, labels: MetricLabels): Counter
  gauge(definition: MetricDefinition, labels: MetricLabels): Gauge
  histogram(definition: MetricDefinition, labels: MetricLabels): Histogram
}

const ignore = (): void => undefined

/** Keeps nothing: the default. */
export const silentMetrics: Metrics = {
  isRecording: false,
  counter: () => ({ add: ignore }),
  gauge: () => ({ set: ignore }),
  histogram: () => ({ record: ignore }),
}

/** Metrics that belong together, by what the code calls them. */
export type MetricCatalogue = Readonly<Record<string, MetricDefinition>>

type InstrumentOf<Kind> = Kind extends 'counter' ? Counter : Kind extends 'gauge' ? Gauge : Histogram

/** The instruments of a catalogue, under the same names. */
export type InstrumentsOf<Catalogue extends MetricCatalogue> = {
  readonly [Name in keyof Catalogue]: InstrumentOf<Catalogue[Name]['kind']>
}

/** Makes all instruments of a catalogue with the same labels. */
export function instrumentsOf<Catalogue extends MetricCatalogue>(
  metrics: Metrics,
  catalogue: Catalogue,
  labels: MetricLabels,
): InstrumentsOf<Catalogue> {
  const entries = Object.entries(catalogue).map(([name, definition]) => [
    name,
    metrics[definition.kind](definition, labels),
  ])
  return Object.fromEntries(entries) as InstrumentsOf<Catalogue>
}

/** Buckets for times from a tenth of a millisecond to half a minute, in seconds. */
export const secondsBuckets: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
]

/** Buckets for numbers of records in one go. */
export const countBuckets: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000]
