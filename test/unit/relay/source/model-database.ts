import type { Page, PageRead } from '../../../../src/relay/source/source-session.ts'
import { parseSnapshot, type Snapshot } from '../../../../src/relay/source/snapshot.ts'
import { at, type OutboxTuple } from '../../../../src/relay/source/outbox-tuple.ts'

type Row = { readonly seq: bigint; readonly xid: bigint }

/**
 * Transactions and snapshots as Postgres has them, rows with a `seq` drawn after their transaction got its number. In particular a snapshot’s
 * xmax is the last *ended* transaction plus one, so that running ones may stand at or after it.
 */
export class ModelDatabase {
  readonly #running = new Set<bigint>()
  readonly #aborted = new Set<bigint>()
  readonly rows: Row[] = []
  #nextXid = 100n
  #latestEnded = 99n
  sequenceLast = 0n

  get running(): readonly bigint[] {
    return [...this.#running]
  }

  begin(): bigint {
    const xid = this.#nextXid++
    this.#running.add(xid)
    return xid
  }

  insert(xid: bigint): void {
    this.rows.push({ seq: ++this.sequenceLast, xid })
  }

  end(xid: bigint, committed: boolean): void {
    this.#running.delete(xid)
    if (!committed) this.#aborted.add(xid)
    if (xid > this.#latestEnded) this.#latestEnded = xid
  }

  /** A transaction of the relay’s own, begun and ended at once. */
  save(): bigint {
    const xid = this.begin()
    this.end(xid, true)
    return xid
  }

  snapshot(): Snapshot {
    const xmax = this.#latestEnded + 1n
    const inProgress = [...this.#running].filter((xid) => xid < xmax).sort((a, b) => (a < b ? -1 : 1))
    return parseSnapshot(`${inProgress[0] ?? xmax}:${xmax}:${inProgress.join(',')}`)
  }

  /** What a statement under the snapshot sees. */
  visible(snapshot: Snapshot): Row[] {
    return this.rows.filter(({ xid }) => hasEnded(snapshot, xid) && !this.#aborted.has(xid))
  }

  /** What `readLive` selects, by its own conditions. */
  readLive(previous: Snapshot, current: Snapshot): Row[] {
    return this.visible(current)
      .filter(
        ({ xid }) =>
          (xid >= previous.xmax && xid < current.xmax) ||
          (previous.inProgress.includes(xid) && hasEnded(current, xid)),
      )
      .sort(bySeq)
  }

  /** What `readPage` selects, by its own conditions, under the snapshot of now. */
  readPage(read: PageRead, pageRows: number): Page<OutboxTuple> {
    const found = this.visible(this.snapshot())
      .filter(({ xid, seq }) => {
        if (seq <= read.after || seq > read.upTo) return false
        if (read.kind === 'early') return read.xids.includes(xid)
        return !hasEnded(parseSnapshot(read.previous), xid) && hasEnded(parseSnapshot(read.current), xid)
      })
      .sort(bySeq)
      .slice(0, pageRows)
    return { rows: found.map(tupleOf), full: found.length === pageRows }
  }
}

/** The same answer as `pg_visible_in_snapshot`. */
export function hasEnded(snapshot: Snapshot, xid: bigint): boolean {
  return xid < snapshot.xmin || (xid < snapshot.xmax && !snapshot.inProgress.includes(xid))
}

function bySeq(a: Row, b: Row): number {
  return a.seq < b.seq ? -1 : 1
}

function tupleOf({ seq }: Row): OutboxTuple {
  const row: (string | null)[] = Array.from({ length: Object.keys(at).length }, () => null)
  row[at.seq] = String(seq)
  return row
}
