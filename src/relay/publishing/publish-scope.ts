/** What publishing must keep within: a tenure of the outbox, and its lease. */
export type PublishScope = {
  /** Called whenever Kafka was heard of, well or not: whoever waits is not stuck. */
  readonly heard?: () => void
  /** Aborts when the tenure ends; nothing new may be sent then. */
  readonly signal: AbortSignal
  /**
   * How long a publish that begins now may last: less than what is left of the lease, which is renewed first if that is too little.
   * Zero or less when the lease is gone.
   */
  deadlineMs(): Promise<number> | number
}
