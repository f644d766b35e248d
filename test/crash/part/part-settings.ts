import type { Kill } from '../points.ts'

/** What a process of a part is told. */
export type PartSettings = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  /** Of a relay: the rows of a page. */
  readonly pageRows?: number
  /** When it kills itself; without one it lives until it is stopped. */
  readonly kill?: Kill
}

/** What a process of a part tells, a line of JSON each. */
export type PartReport = { readonly kind: 'started' } | ({ readonly kind: 'reached' } & Kill)

/** Short terms, so that a killed process is replaced soon. */
export const terms = { leaseDurationMs: 700, sessionTimeoutMs: 1_500 } as const
