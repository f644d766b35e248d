import { readFileSync } from 'node:fs'

/** What a process has used until now, whichever language it is written in. NaN where the system has no `/proc`. */
export type ProcessUsage = { readonly cpuMs: number; readonly peakMb: number; readonly atMs: number }

const tickMs = 10

/** Reads {@link ProcessUsage} from the process table; its children do not count. */
export function usageOf(pid: number | undefined): ProcessUsage {
  const atMs = performance.now()
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * tickMs,
      peakMb: Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024,
      atMs,
    }
  } catch {
    return { cpuMs: Number.NaN, peakMb: Number.NaN, atMs }
  }
}
