/** A partition of a group’s topic, and where the group is to go on. */
export type RewindPartition = {
  readonly topic: string
  readonly partition: number
  readonly begin: bigint
  readonly end: bigint
  /** `undefined`: the group has committed nothing here. */
  readonly committed: bigint | undefined
  /** `undefined`: it stays where it is. */
  readonly wanted: bigint | undefined
}

/** A partition that goes back. */
export type RewoundPartition = {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly to: bigint
  /** Offsets from `to` until `from`: as many records at most. */
  readonly records: bigint
}

/**
 * Which partitions of a group go back, and to where. None goes forward, which would lose what lies between, and none before its first record. One
 * without a committed offset begins at its first record as it is.
 */
export function planRewind(partitions: readonly RewindPartition[]): readonly RewoundPartition[] {
  return partitions.flatMap(({ topic, partition, begin, committed, wanted }) => {
    if (committed === undefined || wanted === undefined) return []
    const to = wanted < begin ? begin : wanted
    return to < committed ? [{ topic, partition, from: committed, to, records: committed - to }] : []
  })
}
