/** A record of a topic that {@link FaultWriters} fill: its body is `key:n`, `n` the place of its row among the committed ones of its key. */
export type DeliveredRecord = { readonly key: string; readonly body: string; readonly partition: number }

const shownMax = 5

/**
 * What is wrong with a topic, each as a sentence; nothing when
 * - I1 every committed row is on it,
 * - I2 nothing else is,
 * - I4 the first deliveries of each key come in the order of its commits, on one partition.
 *
 * @param committed the bodies that the database holds as committed
 * @param delivered the records, those of a partition in its order
 */
export function brokenPromises(
  committed: ReadonlySet<string>,
  delivered: readonly DeliveredRecord[],
): string[] {
  const broken: string[] = []
  const tell = (what: string, which: readonly string[]): void => {
    if (which.length > 0)
      broken.push(`${what}: ${which.length}, such as ${which.slice(0, shownMax).join(' ')}`)
  }
  const bodies = new Set(delivered.map(({ body }) => body))
  tell(
    'I1 committed and not delivered',
    [...committed].filter((body) => !bodies.has(body)),
  )
  tell(
    'I2 delivered and never committed',
    [...bodies].filter((body) => !committed.has(body)),
  )
  const inversions: string[] = []
  const strays: string[] = []
  for (const [key, records] of Map.groupBy(delivered, (record) => record.key)) {
    if (new Set(records.map(({ partition }) => partition)).size > 1) strays.push(key)
    let last = 0
    for (const body of new Set(records.map((record) => record.body))) {
      const n = Number(body.slice(body.lastIndexOf(':') + 1))
      if (n < last) inversions.push(body)
      last = Math.max(last, n)
    }
  }
  tell('I4 first delivered after a later one of its key', inversions)
  tell('I4 keys on several partitions', strays)
  return broken
}
