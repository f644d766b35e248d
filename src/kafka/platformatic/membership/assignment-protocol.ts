/**
 * What members of a group tell each other through the coordinator: `ConsumerProtocolSubscription` and `ConsumerProtocolAssignment` of the
 * Java client, version 0. The name is that under which kafkajs’s members deal out, so that both drivers may meet in a group.
 */
export const assignmentProtocol = 'RoundRobinAssigner'

/** Partitions by topic. */
export type Assignment = ReadonlyMap<string, readonly number[]>

/** A member’s topics. */
export function encodeSubscription(topics: readonly string[]): Buffer {
  return Buffer.concat([int16(0), int32(topics.length), ...topics.map(text), int32(0)])
}

/** A member’s topics. Later versions only add to what stands behind them. */
export function decodeSubscription(bytes: Buffer): string[] {
  const reader = new Fields(bytes)
  reader.int16()
  return reader.list(() => reader.text())
}

/** A member’s partitions. */
export function encodeAssignment(assignment: Readonly<Record<string, readonly number[]>>): Buffer {
  const topics = Object.entries(assignment)
  const lists = topics.flatMap(([topic, partitions]) => [
    text(topic),
    int32(partitions.length),
    ...partitions.map(int32),
  ])
  return Buffer.concat([int16(0), int32(topics.length), ...lists, int32(0)])
}

/** A member’s partitions; none where the bytes are empty, as of a member that was dealt nothing. */
export function decodeAssignment(bytes: Buffer): Assignment {
  if (bytes.length === 0) return new Map()
  const reader = new Fields(bytes)
  reader.int16()
  return new Map(reader.list((): [string, number[]] => [reader.text(), reader.list(() => reader.int32())]))
}

class Fields {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  int16(): number {
    this.#at += 2
    return this.#bytes.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  text(): string {
    const length = this.int16()
    this.#at += length
    return this.#bytes.toString('utf8', this.#at - length, this.#at)
  }

  list<Entry>(read: () => Entry): Entry[] {
    return Array.from({ length: Math.max(0, this.int32()) }, read)
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(2)
  bytes.writeInt16BE(value)
  return bytes
}

function int32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeInt32BE(value)
  return bytes
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([int16(bytes.length), bytes])
}
