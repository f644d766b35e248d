import type { Pool } from 'pg'
import { usageOf } from '../process-usage.ts'
import type { Variant } from './variants.ts'

/** What one slice of a variant came to: the CPU is that of this process, and of the server’s processes that serve it. */
export type Slice = {
  readonly commits: number
  readonly seconds: number
  readonly clientCpuUs: number
  readonly serverCpuUs: number
}

/** Lets a number of writers commit as fast as they can for a while. */
export async function measureSlice(
  variant: Variant,
  writers: number,
  milliseconds: number,
  pool: Pool,
  serverPids: readonly number[],
): Promise<Slice> {
  let commits = 0
  const serverCpuMs = (): number => serverPids.reduce((sum, pid) => sum + usageOf(pid).cpuMs, 0)
  const [serverBefore, clientBefore, begunAtMs] = [serverCpuMs(), process.cpuUsage(), performance.now()]
  await Promise.all(
    Array.from({ length: writers }, async () => {
      while (performance.now() - begunAtMs < milliseconds) {
        await variant.run(pool)
        commits++
      }
    }),
  )
  const seconds = (performance.now() - begunAtMs) / 1_000
  const { user, system } = process.cpuUsage(clientBefore)
  return {
    commits,
    seconds,
    clientCpuUs: user + system,
    serverCpuUs: (serverCpuMs() - serverBefore) * 1_000,
  }
}
