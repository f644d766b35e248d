/** What goes wrong with the record at the head of a partition. */
type Trouble = {
  readonly offset: bigint
  /** Failures that may be the record’s own fault. */
  failures: number
  /** Waits for the surroundings since the last time something else happened. */
  waits: number
  reason: string
  /** The handler lost its connection the last time that it ran. */
  isSuspect: boolean
  /** What to write among the dead letters: the attempts are spent, and the handler is not called any more. */
  burial?: { readonly thrown: unknown; readonly attempts: number }
}

/**
 * Remembers, in memory, the record that each partition is stuck on and how often it failed. A partition is handled in order, so there is at
 * most one; it is forgotten when the partition goes on. A restart begins to count anew.
 */
export type TroubleLedger = {
  /** The trouble with this record, if there is one. */
  of(partition: string, offset: bigint): Trouble | undefined
  /** The trouble with this record, begun if need be. */
  begin(partition: string, offset: bigint): Trouble
  /** Says whether there was one. */
  end(partition: string): boolean
  /** The first of the reasons, among the partitions that are still held. */
  reason(held: readonly string[]): string | undefined
}

/** Makes a {@link TroubleLedger}. */
export function troubleLedger(): TroubleLedger {
  const troubles = new Map<string, Trouble>()
  const of = (partition: string, offset: bigint): Trouble | undefined => {
    const trouble = troubles.get(partition)
    return trouble?.offset === offset ? trouble : undefined
  }
  return {
    of,
    begin: (partition, offset) => {
      const trouble = of(partition, offset) ?? { offset, failures: 0, waits: 0, reason: '', isSuspect: false }
      troubles.set(partition, trouble)
      return trouble
    },
    end: (partition) => troubles.delete(partition),
    reason: (held) => {
      for (const [partition, { offset, reason }] of troubles)
        if (held.includes(partition)) return `${partition} at offset ${offset}: ${reason}`
      return undefined
    },
  }
}
