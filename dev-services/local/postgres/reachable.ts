import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, resolve } from 'node:path'
import type { ServerOwner } from './postgres-owner.ts'

/** Whether `owner` may pass through every folder above `path` and read `path` itself. */
export async function isReachable(path: string, owner: ServerOwner | undefined): Promise<boolean> {
  if (owner === undefined) return true
  let current = resolve(path)
  if (!(await allows(current, owner, 0o5))) return false
  while (dirname(current) !== current) {
    current = dirname(current)
    if (!(await allows(current, owner, 0o1))) return false
  }
  return true
}

/** The system's folder for temporary files, or another one if `owner` cannot get there (a `TMPDIR` of mode 0700). */
export async function reachableTemporaryFolder(owner: ServerOwner | undefined): Promise<string> {
  const candidates = [tmpdir(), '/tmp', '/var/tmp']
  for (const candidate of candidates) {
    if (await isReachable(candidate, owner)) return candidate
  }
  throw new Error(
    `the OS user of Postgres cannot reach any folder for temporary files (${candidates.join(', ')})`,
  )
}

async function allows(path: string, owner: ServerOwner, wanted: number): Promise<boolean> {
  try {
    const { mode, uid, gid } = await stat(path)
    const shift = uid === owner.uid ? 6 : gid === owner.gid ? 3 : 0
    return ((mode >> shift) & wanted) === wanted
  } catch {
    return false
  }
}
