import type { Figures } from './figure.ts'

/** The parts of the benches: of the relay’s the first four, of the consumer’s the others. */
export const sections = [
  'drain',
  'latency',
  'writers',
  'killed',
  'batch',
  'one',
  'idle',
  'duplicates',
  'memory',
] as const
/** One of {@link sections}. */
export type Section = (typeof sections)[number]

/** Whether a text names a part. */
export function isSection(text: string): text is Section {
  return (sections as readonly string[]).includes(text)
}

/** The drivers that a relay or a consumer can be given. */
export type Driver = 'kafkajs' | 'platformatic'

/** What the user asked for. */
export type BenchOptions = {
  readonly repeat: number
  /** Of the writer’s bench: how often each variant takes its turn. */
  readonly rounds: number
  readonly rows: number
  readonly rowsPerTransaction: number
  readonly seconds: number
  readonly warmUpSeconds: number
  readonly drivers: readonly Driver[]
  /** The client of the consumer that the latency is measured at, the same for all sides. */
  readonly reader: Driver
  readonly withDebezium: boolean
  readonly withLimit: boolean
  readonly sections: readonly Section[]
  /** 0: not asked for. */
  readonly longRows: number
  /** Of the bench with a held transaction. */
  readonly minutes: number
  readonly rate: number
}

/** What a bench is given. */
export type BenchSetting = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly options: BenchOptions
  readonly figures: Figures
  readonly say: (line: string) => void
  /** Does a part of the bench. Where it fails, the others are done all the same, and the run ends as failed. */
  readonly attempt: (what: string, work: () => Promise<void>) => Promise<void>
}
