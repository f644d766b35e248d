import type pg from 'pg'
import { BenchProcess } from '../bench-process.ts'
import { quantile } from '../figure.ts'

/** Relay, writer and consumer in three processes: how old a row is, from its insert just before the commit, when the consumer has it. */
export async function measureLatency(setting: {
  readonly url: string
  readonly brokers: readonly string[]
  readonly rate: number
  readonly seconds: number
  readonly topicPrefix: string
  readonly pool: pg.Pool
}): Promise<{ p50: number; p99: number; perSecond: number }> {
  const { url, brokers, rate, seconds, topicPrefix, pool } = setting
  await pool.query('truncate backstitch.outbox')
  const relay = new BenchProcess('relay.ts', { url, brokers, topicPrefix })
  const reader = new BenchProcess('reader.ts', { brokers, topic: `${topicPrefix}bench`, warmUpMs: 3_000 })
  await Promise.all([relay.message(), reader.message()])
  const writer = new BenchProcess('writer.ts', { url, rate, seconds })
  await writer.message()
  const { commits, seconds: taken } = await writer.message<{ commits: number; seconds: number }>()
  await new Promise((resolve) => setTimeout(resolve, 500))
  const stopped = reader.stop()
  const { agesMs } = await reader.message<{ agesMs: number[] }>()
  await stopped
  await relay.stop()
  return { p50: quantile(agesMs, 0.5), p99: quantile(agesMs, 0.99), perSecond: commits / taken }
}
