import { styleText } from 'node:util'
import type pg from 'pg'
import type { Check } from './checks.ts'
import type { Fate } from './placed-order.ts'

/** Prints the outcomes, two timelines, the speed, and the checks. Gives whether all checks hold. */
export async function printReport(
  orders: pg.Pool,
  fates: ReadonlyMap<string, Fate>,
  checks: readonly Check[],
): Promise<boolean> {
  await printOutcomes(orders, fates)
  await printTimeline(orders, 'completed')
  await printTimeline(orders, 'compensated')
  await printSpeed(orders)
  heading('Checks')
  for (const { promise, holds, counted } of checks)
    console.log(
      `  ${holds ? styleText('green', '✔') : styleText('red', '✘')} ${promise.padEnd(58)} ${counted}`,
    )
  return checks.every(({ holds }) => holds)
}

async function printOutcomes(orders: pg.Pool, fates: ReadonlyMap<string, Fate>): Promise<void> {
  const { rows } = await orders.query<{ business_key: string; status: string; ms: string }>(
    'select business_key, status, extract(epoch from ended_at - started_at) * 1000 as ms from backstitch.saga_instance',
  )
  const groups = new Map<string, number[]>()
  for (const { business_key, status, ms } of rows) {
    const name = `${fates.get(business_key) ?? 'unknown'}|${status}`
    groups.set(name, [...(groups.get(name) ?? []), Number(ms)])
  }
  heading('Outcomes')
  console.log(
    `  ${'order'.padEnd(16)}${'saga'.padEnd(14)}${'count'.padStart(7)}${'median ms'.padStart(12)}${'slowest ms'.padStart(12)}`,
  )
  for (const [name, all] of [...groups].sort(([a], [b]) => a.localeCompare(b))) {
    const [order, saga] = name.split('|') as [string, string]
    const sorted = all.sort((a, b) => a - b)
    console.log(
      `  ${order.padEnd(16)}${saga.padEnd(14)}${String(all.length).padStart(7)}${quantile(sorted, 0.5).padStart(12)}${quantile(sorted, 1).padStart(12)}`,
    )
  }
}

async function printTimeline(orders: pg.Pool, status: 'completed' | 'compensated'): Promise<void> {
  const { rows } = await orders.query<{
    business_key: string
    ms: string
    kind: string
    step: string
    direction: string
    attempt: number
    detail: string
  }>(
    `select i.business_key, extract(epoch from h.at - i.started_at) * 1000 as ms, h.kind, h.step, h.direction, h.attempt, h.detail
     from backstitch.saga_history as h
     join (select id, business_key, started_at from backstitch.saga_instance where status = $1
           order by exists (select from backstitch.saga_history where saga_id = id and direction = 'undo') desc, ended_at limit 1) as i on i.id = h.saga_id
     order by h.revision, h.ordinal`,
    [status],
  )
  if (!rows[0]) return
  heading(`One ${status} order, ${rows[0].business_key}`)
  for (const { ms, kind, step, direction, attempt, detail } of rows) {
    const what = step
      ? `${direction === 'undo' ? 'undo ' : ''}${step}${attempt > 1 ? ` (attempt ${attempt})` : ''}`
      : ''
    console.log(
      `  ${Number(ms).toFixed(0).padStart(7)} ms  ${kind.padEnd(13)}${what.padEnd(16)}${(detail ?? '').slice(0, 70)}`,
    )
  }
}

async function printSpeed(orders: pg.Pool): Promise<void> {
  const { rows } = await orders.query<{ n: string; seconds: string; p50: string; p99: string }>(
    `select count(*) as n, extract(epoch from max(ended_at) - min(started_at)) as seconds,
       percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at) * 1000) as p50,
       percentile_cont(0.99) within group (order by extract(epoch from ended_at - started_at) * 1000) as p99
     from backstitch.saga_instance`,
  )
  const { n, seconds, p50, p99 } = rows[0]!
  heading('Speed')
  console.log(
    `  ${(Number(n) / Number(seconds)).toFixed(1)} sagas a second, the outage included; from start to end p50 ${Number(p50).toFixed(0)} ms, p99 ${Number(p99).toFixed(0)} ms`,
  )
}

function heading(text: string): void {
  console.log(`\n${styleText('bold', text)}`)
}

function quantile(sorted: readonly number[], q: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? 0).toFixed(0)
}
