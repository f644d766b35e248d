import type { ErrorCode } from '../../kernel/error-catalogue.ts'

/** Why a row goes into the quarantine instead of to its topic. */
export type ParkCause = { readonly code: ErrorCode; readonly reason: string; readonly partition?: number }

const waits: ParkCause = { code: 'OUTBOX_KEY_PARKED', reason: 'an earlier row of its key is parked' }

/**
 * What the owner of an outbox holds back: keys, each with a row that was refused, whole topics, and single partitions that cannot be written
 * to. A key is a pair of topic and key. As long as any of its rows is in the quarantine a key, topic or partition stays here, so that none of
 * its later rows overtakes.
 */
export class Parked {
  readonly #keys = new Set<string>()
  readonly #topics = new Map<string, ParkCause>()
  readonly #partitions = new Map<string, ParkCause>()

  /** Nothing is held back: the usual case, in which no row needs a look. */
  get isEmpty(): boolean {
    return this.#keys.size === 0 && this.#topics.size === 0 && this.#partitions.size === 0
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

  /** Held partitions, as `topic/partition`. */
  get partitions(): readonly string[] {
    return [...this.#partitions.keys()]
  }

  holdsPartition(topic: string, partition: number): boolean {
    return this.#partitions.has(placeOf(topic, partition))
  }

  /** Why a row of this topic, key and partition is held back; `undefined` when it is not. */
  causeOf(topic: string, key: string, partition?: number): ParkCause | undefined {
    if (this.holdsKey(topic, key)) return waits
    const ofTopic = this.#topics.get(topic)
    if (ofTopic || partition === undefined || this.#partitions.size === 0) return ofTopic
    return this.#partitions.get(placeOf(topic, partition))
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

  holdPartition(topic: string, partition: number, reason: string): void {
    this.#partitions.set(placeOf(topic, partition), { code: 'OUTBOX_PARTITION_HELD', reason, partition })
  }

  /** Only once none of its rows is left in the quarantine, or on its way there. */
  releasePartition(topic: string, partition: number): void {
    this.#partitions.delete(placeOf(topic, partition))
  }
}

/** A partition of a topic by name. A topic’s name has no slash. */
export function placeOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

/** Postgres’s text holds no NUL, so no two pairs have the same name. */
function nameOf(topic: string, key: string): string {
  return `${topic}\0${key}`
}
