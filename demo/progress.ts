import type pg from 'pg'

/** How far the sagas are. */
export type Progress = {
  readonly started: number
  readonly completed: number
  readonly compensated: number
  readonly parked: number
}

/** Counts the sagas by state. */
export async function readProgress(orders: pg.Pool): Promise<Progress> {
  const { rows } = await orders.query<{ status: string; n: number }>(
    'select status, count(*)::integer as n from backstitch.saga_instance group by status',
  )
  const of = (status: string): number => rows.find((row) => row.status === status)?.n ?? 0
  return {
    started: rows.reduce((sum, { n }) => sum + n, 0),
    completed: of('completed'),
    compensated: of('compensated'),
    parked: of('parked'),
  }
}

/** Draws one line: over itself in a terminal, each two seconds elsewhere. */
export function progressLine(orders: number): (placed: number, progress: Progress) => void {
  let drawn = 0
  return (placed, { completed, compensated, parked }) => {
    const ended = completed + compensated
    const width = 24
    const bar = '█'.repeat(Math.floor((ended / orders) * width)).padEnd(width, '░')
    const text = `${bar} placed ${placed}, completed ${completed}, compensated ${compensated}, parked ${parked} of ${orders}`
    if (process.stdout.isTTY) process.stdout.write(`\r\u001b[2K  ${text}`)
    else if (Date.now() - drawn > 2_000 || ended === orders) {
      drawn = Date.now()
      console.log(`  ${text}`)
    }
  }
}
