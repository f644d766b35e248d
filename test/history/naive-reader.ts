import type { Pool } from 'pg'
import type { Reading } from './check-history.ts'

/**
 * The reader that everybody writes first: `seq > last`. A transaction that commits after one with a higher `seq` is never read. It is here to
 * show that the history can tell a wrong reader from a right one.
 */
export function startNaiveReader(pool: Pool): { stop(): Promise<Reading> } {
  let stopped = false
  const reading: Reading[number][] = []
  const work = (async () => {
    let last = '0'
    for (;;) {
      const stopAfter = stopped
      const { rows } = await pool.query<{ seq: string; id: string; payload: string }>(
        'select seq, id, payload from backstitch.outbox where seq > $1 order by seq',
        [last],
      )
      for (const { id, payload } of rows) {
        const { key, n } = JSON.parse(payload) as { key: string; n: number }
        reading.push({ id, key, n, atMs: Date.now() })
      }
      last = rows.at(-1)?.seq ?? last
      if (stopAfter) return reading
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return {
    stop: () => {
      stopped = true
      return work
    },
  }
}
