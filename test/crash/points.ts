/** The parts that are killed, each in a process of its own. */
export const partKinds = ['relay', 'orchestrator', 'participant', 'consumer'] as const
export type PartKind = (typeof partKinds)[number]

/**
 * Every named point of the code, by the part that reaches it. A test compares the list with the source, so that a new point cannot be
 * forgotten here, nor an old one kept.
 */
export const points = {
  relay: [
    'relay.acquire.before',
    'relay.acquire.after',
    'relay.read.after',
    'relay.publish.before',
    'relay.publish.after',
    'relay.checkpoint.before',
    'relay.checkpoint.after',
    'relay.park.before',
    'relay.park.after',
    'relay.drain.before',
    'relay.drain.after',
    'relay.truncate.before',
    'relay.truncate.after',
    'relay.leaf.before',
    'relay.leaf.after',
    'relay.deferred.before',
    'relay.deferred.after',
    'relay.replay.before',
    'relay.replay.after',
    'relay.empty.before',
    'relay.empty.after',
    'relay.remove.before',
    'relay.remove.after',
    'relay.release.before',
  ],
  orchestrator: [
    'orchestrator.register.before',
    'orchestrator.register.after',
    'orchestrator.aside.before',
    'orchestrator.aside.after',
    'orchestrator.commit.before',
    'orchestrator.commit.after',
    'orchestrator.offsets.before',
    'orchestrator.offsets.after',
    'orchestrator.timers.before',
    'orchestrator.timers.after',
  ],
  participant: [
    'participant.commit.before',
    'participant.commit.after',
    'participant.offsets.before',
    'participant.offsets.after',
    'participant.deadletter.before',
    'participant.deadletter.after',
  ],
  consumer: [
    'consumer.commit.before',
    'consumer.commit.after',
    'consumer.offsets.before',
    'consumer.offsets.after',
    'consumer.deadletter.before',
    'consumer.deadletter.after',
  ],
} as const satisfies Record<PartKind, readonly string[]>

/** Where and when a process dies: at the `hit`-th time that it reaches the point. */
export type Kill = { readonly point: string; readonly hit: number }

/** The steps of the work that is done again and again: there a process dies once at the first time, and once later. */
const hot = /\.(?:commit|publish|checkpoint|offsets|read)\./

// Repeat a run with SEED=<the printed number>.
const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)

/** All deaths of a part: at the first time of each point, and at the second or third time of the hot ones, as the printed seed decides. */
export function killsOf(kind: PartKind): readonly Kill[] {
  console.info(`crash of the ${kind}: seed ${seed}`)
  const random = numbersFrom(seed)
  const all = partKinds.flatMap((part) =>
    points[part].flatMap((point) => [
      { part, point, hit: 1 },
      ...(hot.test(point) ? [{ part, point, hit: 2 + (random() % 2) }] : []),
    ]),
  )
  return all.filter(({ part }) => part === kind).map(({ point, hit }) => ({ point, hit }))
}

/** Numbers that follow from the seed alone (mulberry32). */
function numbersFrom(start: number): () => number {
  let state = start >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
}
