import type { TransportAdmin } from 'backstitch'
import { BenchProcess } from '../bench-process.ts'

/** Starts a relay on a full outbox and counts the records on the topic until all are there. The time before the first record does not count. */
export async function measureDrain(setting: {
  readonly url: string
  readonly brokers: readonly string[]
  readonly admin: TransportAdmin
  readonly rows: number
  readonly topicPrefix: string
  readonly script: 'relay.ts' | 'bare-relay.ts'
}): Promise<{ perSecond: number; cpuMs: number }> {
  const { url, brokers, admin, rows, topicPrefix, script } = setting
  const relay = new BenchProcess(script, { url, brokers, topicPrefix })
  await relay.message()
  let first: { at: number; count: number } | undefined
  for (;;) {
    const ends = await admin.endOffsets(`${topicPrefix}bench`)
    const count = Number(ends.reduce((sum, end) => sum + end, 0n))
    const at = performance.now()
    if (count > 0) first ??= { at, count }
    if (first && count >= rows) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      const stopped = relay.stop()
      const { cpuMs } = await relay.message<{ cpuMs: number }>()
      await stopped
      return { perSecond: ((count - first.count) / (at - first.at)) * 1000, cpuMs }
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
