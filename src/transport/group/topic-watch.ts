import { systemClock } from '../../kernel/clock.ts'
import { reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'

/** Missing topics are asked for this often, ... */
const pollMs = 1_000

/** ... and named in the log this often. */
const logEveryMs = 30_000

/** Asks brokers for topics, over connections of its own. */
export type TopicLookup = {
  /** The partitions of a topic, as they are now; `undefined` where it does not exist or may not be described. @throws `KAFKA_UNREACHABLE` */
  partitionCount(topic: string): Promise<number | undefined>
  close(): Promise<void>
}

/** Knows which of a group’s topics exist, and waits for the others. */
export class TopicWatch {
  readonly #newLookup: () => TopicLookup
  readonly #group: string
  readonly #topics: readonly string[]
  readonly #logger: Logger
  #lookup: TopicLookup | undefined
  #loggedMs = Number.NEGATIVE_INFINITY

  constructor(
    newLookup: () => TopicLookup,
    settings: { readonly group: string; readonly topics: readonly string[] },
    logger: Logger,
  ) {
    this.#newLookup = newLookup
    this.#group = settings.group
    this.#topics = settings.topics
    this.#logger = logger
  }

  /** Resolves with the topics that exist, once there is one; with none when the signal aborts. @throws `KAFKA_UNREACHABLE` */
  async existing(signal: AbortSignal): Promise<readonly string[]> {
    for (;;) {
      const found = await this.#found(this.#topics)
      const missing = this.#topics.filter((topic) => !found.includes(topic))
      if (missing.length > 0) this.#tell(missing)
      if (found.length > 0 || signal.aborted) return found
      await systemClock.pause(pollMs, signal)
      if (signal.aborted) return []
    }
  }

  /** Resolves once one of the topics not among `known` exists; never where none is missing; at the latest when the signal aborts. */
  async appeared(known: readonly string[], signal: AbortSignal): Promise<void> {
    const missing = this.#topics.filter((topic) => !known.includes(topic))
    if (missing.length === 0) {
      await this.close() // nothing to ask for: no need to keep a connection
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    }
    while (!signal.aborted) {
      await systemClock.pause(pollMs, signal)
      if (signal.aborted) return
      const found = await this.#found(missing).catch((thrown: unknown) => {
        this.#logger.debug(
          { group: this.#group, error: reasonOf(thrown) },
          'could not ask for missing topics',
        )
        return []
      })
      if (found.length > 0) return
      this.#tell(missing)
    }
  }

  async close(): Promise<void> {
    const lookup = this.#lookup
    this.#lookup = undefined
    await lookup?.close()
  }

  async #found(topics: readonly string[]): Promise<string[]> {
    this.#lookup ??= this.#newLookup()
    const found: string[] = []
    for (const topic of topics) {
      if ((await this.#lookup.partitionCount(topic)) !== undefined) found.push(topic)
    }
    return found
  }

  #tell(missing: readonly string[]): void {
    if (performance.now() - this.#loggedMs < logEveryMs) return
    this.#loggedMs = performance.now()
    this.#logger.warn(
      { group: this.#group, topics: missing },
      'waiting for topics that do not exist, or that this client may not describe',
    )
  }
}
