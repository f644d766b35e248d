import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

const POLL_MS = 100
/** Longer than any download may take: an older lock was left by a process of another machine or container. */
const STALE_AFTER_MS = 10 * 60_000

/**
 * Runs `work` while holding the lock file `path`, so that two runs do not do the same download at once. A lock whose
 * process has died is taken over. Two runs could in a rare race take over the same dead lock, so `work` must end in an
 * atomic rename: the lock saves effort, the rename keeps the result whole.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true })
  while (!(await take(path))) {
    if (await isStale(path)) await rm(path, { force: true })
    else await pause(POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx')
    await file.writeFile(`${process.pid}`)
    await file.close()
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

async function isStale(path: string): Promise<boolean> {
  try {
    const ageMs = Date.now() - (await stat(path)).mtimeMs
    const pid = Number(await readFile(path, 'utf8'))
    // an empty file is a lock whose owner is about to write its number
    if (pid === 0) return ageMs > 5_000
    return ageMs > STALE_AFTER_MS || !isAlive(pid)
  } catch {
    return false // released meanwhile
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
