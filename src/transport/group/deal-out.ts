/** What a member subscribes to. */
export type MemberSubscription = { readonly memberId: string; readonly topics: ReadonlySet<string> }

/** Gives each partition to the subscriber that has the fewest so far, the first by id among equals. */
export function dealOut(
  members: readonly MemberSubscription[],
  partitionsOf: ReadonlyMap<string, readonly number[]>,
): { memberId: string; assignment: Record<string, number[]> }[] {
  const hands = members
    .map(({ memberId, topics }) => ({
      memberId,
      topics,
      count: 0,
      assignment: {} as Record<string, number[]>,
    }))
    .toSorted((one, other) => (one.memberId < other.memberId ? -1 : 1))
  for (const [topic, partitions] of [...partitionsOf].toSorted(([one], [other]) => (one < other ? -1 : 1))) {
    const takers = hands.filter(({ topics }) => topics.has(topic))
    for (const partition of partitions.toSorted((one, other) => one - other)) {
      const taker = takers.reduce<(typeof takers)[number] | undefined>(
        (least, it) => (least === undefined || it.count < least.count ? it : least),
        undefined,
      )
      if (taker === undefined) break
      taker.count += 1
      ;(taker.assignment[topic] ??= []).push(partition)
    }
  }
  return hands.map(({ memberId, assignment }) => ({ memberId, assignment }))
}
