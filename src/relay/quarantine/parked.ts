import type { ErrorCode } from '../../kernel/error-catalogue.ts'

/** Why a row goes into the quarantine instead of to its topic. */
export type ParkCause = { readonly code: ErrorCode; readonly reason: string }

const waits: ParkCause = { code: 'OUTBOX_KEY_PARKED', reason: 'an earlier row of its key is parked' }

/**
 * What the owner of an outbox holds back: keys, each with a row that was refused, and whole topics that cannot be written to. A key is a pair
 * of topic and key. As long as any of its rows is in the quarantine a key stays here, so that none of its later rows overtakes.
 */
export class Parked {
  readonly #keys = new Set<string>()
  readonly #topics = new Map<string, ParkCause>()

  /** Nothing is held back: the usual case, in which no row needs a look. */
  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#topics.size === 0
  }

  get keyCount(): number {
    return this.#keys.size
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()]
  }

  holdsKey(topic: string, key: string): boolean {
    return this.#keys.has(nameOf(topic, key))
  }

  holdsTopic(topic: string): boolean {
    return this.#topics.has(topic)
  }

  /** Why a row of this topic and key is held back; `undefined` when it is not. */
  causeOf(topic: string, key: string): ParkCause | undefined {
    return this.holdsKey(topic, key) ? waits : this.#topics.get(topic)
  }

  parkKey(topic: string, key: string): void {
    this.#keys.add(nameOf(topic, key))
  }

  /** Only once none of its rows is left in the quarantine. */
  releaseKey(topic: string, key: string): void {
    this.#keys.delete(nameOf(topic, key))
  }

  parkTopic(topic: string, reason: string): void {
    this.#topics.set(topic, { code: 'OUTBOX_TOPIC_UNKNOWN', reason })
  }

  /** Only once none of its rows waits for it any more. */
  releaseTopic(topic: string): void {
    this.#topics.delete(topic)
  }
}

/** Postgres’s text holds no NUL, so no two pairs have the same name. */
function nameOf(topic: string, key: string): string {
  return `${topic}\0${key}`
}
