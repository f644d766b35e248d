import { parseSnapshot } from './snapshot.ts'

/**
 * The snapshot to which exactly those transactions are visible that are visible to each of the given ones. What is not visible to it is not
 * visible to at least one of them.
 * @param texts at least one snapshot, as Postgres writes them
 */
export function meetOfSnapshots(texts: readonly string[]): string {
  const snapshots = texts.map(parseSnapshot)
  const [first, ...others] = snapshots
  if (!first) return '1:1:'
  const xmax = others.reduce((least, snapshot) => (snapshot.xmax < least ? snapshot.xmax : least), first.xmax)
  const inProgress = [...new Set(snapshots.flatMap((snapshot) => snapshot.inProgress))]
    .filter((xid) => xid < xmax)
    .toSorted((a, b) => (a < b ? -1 : 1))
  return `${inProgress[0] ?? xmax}:${xmax}:${inProgress.join(',')}`
}
