import { migrate } from 'backstitch/postgres'
import { Client, Pool } from 'pg'
import type { BenchSetting } from '../bench-options.ts'
import { measureSlice, type Slice } from './measure-slice.ts'
import { type Cost, pairedRatio } from './paired-ratio.ts'
import { type Variant, variants } from './variants.ts'

const writers = 16
const sliceMs = 250
const warmUpMs = 300

/**
 * What one outbox row costs a small business transaction. The variants take turns within each round, in an order that changes, and only
 * those of one round are compared: a machine that others use slows both of a pair down.
 */
export async function benchWriter({ url, options, figures, say }: BenchSetting): Promise<void> {
  const name = `writer_${Date.now().toString(36)}`
  await onServer(url, `create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const poolOf = (pipeline: boolean): Pool =>
    new Pool({ connectionString: own.href, max: writers, min: writers, idleTimeoutMillis: 0, pipeline })
  const pool = poolOf(false)
  const pipelined = poolOf(true)
  try {
    await migrate({ database: pool, parts: ['outbox'] })
    await pool.query(
      `create table account (id integer primary key, n bigint) with (fillfactor = 50);
       insert into account select g, 0 from generate_series(0, 9999) as g;
       create table orders (id uuid primary key, account integer not null); analyze account`,
    )
    for (const prepared of [false, true]) {
      const compared = variants(prepared)
      const used = prepared ? pipelined : pool
      const pids = await backendsOf(used)
      for (const variant of compared) await measureSlice(variant, writers, warmUpMs, used, pids)
      say(`${options.rounds} rounds of ${compared.map((variant) => variant.name).join(' / ')}`)
      const rounds: ReadonlyMap<Variant, Slice>[] = []
      for (let round = 0; round < options.rounds; round++) {
        const slices = new Map<Variant, Slice>()
        for (const variant of shuffled(compared))
          slices.set(variant, await measureSlice(variant, writers, sliceMs, used, pids))
        rounds.push(slices)
        for (const [variant, slice] of slices) {
          const { commits, seconds, clientCpuUs, serverCpuUs } = slice
          figures.add(variant.name, 'commits/s', commits / seconds)
          figures.add(`${variant.name}: CPU of the client`, 'µs', clientCpuUs / commits)
          figures.add(`${variant.name}: CPU of the server`, 'µs', serverCpuUs / commits)
        }
      }
      report(rounds, compared, say)
    }
  } finally {
    await Promise.all([pool.end(), pipelined.end()])
    await onServer(url, `drop database ${name} with (force)`)
  }
}

function report(
  rounds: readonly ReadonlyMap<Variant, Slice>[],
  compared: readonly Variant[],
  say: (line: string) => void,
): void {
  const [none, bare, enqueue, unit] = compared
  if (!none || !bare || !enqueue || !unit) return
  for (const [one, other] of [
    [bare, none],
    [enqueue, bare],
    [enqueue, none],
    [unit, bare],
    [unit, none],
  ] as const) {
    const percent = (cost: (slice: Slice) => number): string => {
      const costOf = (slices: ReadonlyMap<Variant, Slice>, variant: Variant): Cost => {
        const slice = slices.get(variant) as Slice
        return { cost: cost(slice), count: slice.commits }
      }
      const { ratio, low, high } = pairedRatio(
        rounds.map((slices) => [costOf(slices, one), costOf(slices, other)]),
      )
      const text = (value: number): string => ((value - 1) * 100).toFixed(1)
      return `${text(ratio)} % [${text(low)}, ${text(high)}]`
    }
    const time = percent(({ seconds }) => seconds)
    const cpu = percent(({ clientCpuUs, serverCpuUs }) => clientCpuUs + serverCpuUs)
    say(`${one.name} against ${other.name}: time ${time}, CPU ${cpu}`)
  }
}

function shuffled<T>(values: readonly T[]): T[] {
  return values
    .map((value) => ({ value, place: Math.random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ value }) => value)
}

/** The server’s processes behind the pool, each of its connections being held once. */
async function backendsOf(pool: Pool): Promise<number[]> {
  const clients = await Promise.all(Array.from({ length: writers }, () => pool.connect()))
  const pids = await Promise.all(
    clients.map(async (client) => {
      const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      return rows[0]?.pid ?? 0
    }),
  )
  for (const client of clients) client.release()
  return pids
}

async function onServer(url: string, statement: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
