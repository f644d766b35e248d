import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { withFileLock } from './file-lock.ts'
import { runProgram } from './run-program.ts'

const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))
const DOWNLOAD_WITHIN_MS = 5 * 60_000

/** Jars that Maven is to fetch. */
export interface MavenJarsOptions {
  /** For messages: 'Apache Kafka'. */
  name: string
  version: string
  /** The pom.xml whose dependencies they are. */
  pom: string
  /** The name of their folder in the cache. */
  folder: string
  /** For the message at the first use. */
  megabytes: number
  /** A folder below it for the jars alone. Default: the folder itself. */
  below?: string
  /** Groups whose jars are left out, since who loads the others has them. */
  excludeGroupIds?: readonly string[]
}

/**
 * The folder with the jars of a pom.xml, downloaded with Maven at first use into `.cache/` of the repository or the folder named by
 * `BACKSTITCH_CACHE_DIR`. A changed pom.xml is a first use again.
 * @throws Error when Maven is missing or fails.
 */
export async function mavenJars(options: MavenJarsOptions, log: (line: string) => void): Promise<string> {
  const cache = resolve(process.env['BACKSTITCH_CACHE_DIR'] ?? join(REPOSITORY, '.cache'))
  const target = join(cache, options.folder)
  if (await isCurrent(target, options.pom)) return target
  return withFileLock(`${target}.lock`, async () => {
    if (!(await isCurrent(target, options.pom))) await download(target, options, log)
    return target
  })
}

async function download(
  target: string,
  { name, version, pom, megabytes, below, excludeGroupIds = [] }: MavenJarsOptions,
  log: (line: string) => void,
): Promise<void> {
  log(`downloading ${name} ${version} with Maven into ${target} (about ${megabytes} MB, once)`)
  const startedAt = performance.now()
  await mkdir(dirname(target), { recursive: true })
  const draft = await mkdtemp(`${target}-draft-`)
  try {
    await copyFile(pom, join(draft, 'pom.xml'))
    const result = await runProgram(
      'mvn',
      [
        '-B',
        '-q',
        '-ntp',
        '-f',
        join(draft, 'pom.xml'),
        'dependency:copy-dependencies',
        `-DoutputDirectory=${below === undefined ? draft : join(draft, below)}`,
        ...(excludeGroupIds.length === 0 ? [] : [`-DexcludeGroupIds=${excludeGroupIds.join(',')}`]),
      ],
      { cwd: draft, timeoutMs: DOWNLOAD_WITHIN_MS },
    ).catch(() => {
      throw new Error(
        `the jars of ${name} are not in ${target} and there is no Maven ("mvn") to download them`,
      )
    })
    if (result.code !== 0) {
      const said = `${result.stdout.toString()}${result.stderr}`.trim().slice(-1_500)
      throw new Error(
        `Maven could not download ${name} (${result.code === null ? 'too slow' : `code ${result.code}`}): ${said}`,
      )
    }
    await chmod(draft, 0o755) // a draft is closed to others; a cache may serve several users
    await rm(target, { recursive: true, force: true })
    await rename(draft, target)
    log(`downloaded ${name} in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** The copy of the pom beside the jars says which download they are; the rename makes it appear last. */
async function isCurrent(target: string, pom: string): Promise<boolean> {
  const [wanted, present] = await Promise.all([
    readFile(pom, 'utf8'),
    readFile(join(target, 'pom.xml'), 'utf8').catch(() => undefined),
  ])
  return wanted === present
}
