/** By topic, for each partition in turn; `null` where there is none. Decimal, as JSON cannot hold it otherwise. */
export type PartitionOffsets = Readonly<Record<string, readonly (string | null)[]>>

/** How far a group is. Times are those of its database, as it writes them. */
export type GroupProgress = {
  readonly committed: PartitionOffsets
  /** The ends of the topics at `markedAt`. */
  readonly marks: PartitionOffsets
  readonly markedAt: string | null
  /** What was claimed before lies behind committed offsets. */
  readonly passedAt: string
}

/** What Kafka says of a group’s topics, asked for after `now`. */
export type FoundOffsets = {
  readonly now: string
  readonly committed: PartitionOffsets
  readonly begins: PartitionOffsets
  readonly ends: PartitionOffsets
}

/** Before all other times. */
export const never = '-infinity'

/**
 * The progress of a group after a look at its offsets. (attack E34: rows of the inbox go only behind committed offsets)
 *
 * What was claimed until a moment are records before the ends of that moment. Once the group has committed all of these ends, everything claimed
 * until then is committed, whatever lies between: compacted records, failed and repeated ones. A partition in which nothing is left
 * before its mark needs no commit. Offsets that went back bring everything after them again: nothing is passed any more.
 */
export function nextProgress(before: GroupProgress, found: FoundOffsets): GroupProgress {
  const { now, committed, ends } = found
  const wentBack = everyOffset(before.committed, (topic, partition, offset) => {
    const partitions = committed[topic]
    if (partitions === undefined || partitions.length === 0) return false // the topic is read, or is there, no more
    const present = partitions[partition] ?? null
    return present === null || BigInt(present) < BigInt(offset)
  })
  if (wentBack.some(Boolean)) return { committed, marks: ends, markedAt: now, passedAt: never }
  if (before.markedAt === null) return { ...before, committed, marks: ends, markedAt: now }
  const isPassed = everyOffset(before.marks, (topic, partition, mark) => {
    if ((ends[topic] ?? []).length === 0) return true
    const places = [committed[topic]?.[partition], found.begins[topic]?.[partition], '0']
    return places.some((place) => place !== undefined && place !== null && BigInt(place) >= BigInt(mark))
  }).every(Boolean)
  if (!isPassed) return { ...before, committed }
  return { committed, marks: ends, markedAt: now, passedAt: before.markedAt }
}

function everyOffset<Result>(
  offsets: PartitionOffsets,
  judge: (topic: string, partition: number, offset: string) => Result,
): Result[] {
  return Object.entries(offsets).flatMap(([topic, partitions]) =>
    partitions.flatMap((offset, partition) => (offset === null ? [] : [judge(topic, partition, offset)])),
  )
}
