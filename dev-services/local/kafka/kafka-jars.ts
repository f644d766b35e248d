import { chmod, copyFile, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { KAFKA_VERSION } from '../../parameters.ts'
import { withFileLock } from '../file-lock.ts'
import { runProgram } from '../run-program.ts'

const POM = fileURLToPath(new URL('../../pom.xml', import.meta.url))
const REPOSITORY = dirname(dirname(POM))
const DOWNLOAD_WITHIN_MS = 5 * 60_000

/**
 * The folder with Kafka's jars, downloaded with Maven at first use (about 55 MB) into `.cache/` of the repository or
 * the folder named by `BACKSTITCH_CACHE_DIR`. A changed pom.xml is a first use again.
 * @throws Error when Maven is missing or fails.
 */
export async function kafkaJars(log: (line: string) => void): Promise<string> {
  const cache = resolve(process.env['BACKSTITCH_CACHE_DIR'] ?? join(REPOSITORY, '.cache'))
  const target = join(cache, `kafka-${KAFKA_VERSION}`)
  if (await isCurrent(target)) return target
  return withFileLock(`${target}.lock`, async () => {
    if (!(await isCurrent(target))) await download(target, log)
    return target
  })
}

async function download(target: string, log: (line: string) => void): Promise<void> {
  log(`downloading Apache Kafka ${KAFKA_VERSION} with Maven into ${target} (about 55 MB, once)`)
  const startedAt = performance.now()
  await mkdir(dirname(target), { recursive: true })
  const draft = await mkdtemp(`${target}-draft-`)
  try {
    await copyFile(POM, join(draft, 'pom.xml'))
    const result = await runProgram(
      'mvn',
      [
        '-B',
        '-q',
        '-ntp',
        '-f',
        join(draft, 'pom.xml'),
        'dependency:copy-dependencies',
        `-DoutputDirectory=${draft}`,
      ],
      { cwd: draft, timeoutMs: DOWNLOAD_WITHIN_MS },
    ).catch(() => {
      throw new Error(`Kafka's jars are not in ${target} and there is no Maven ("mvn") to download them`)
    })
    if (result.code !== 0) {
      const said = `${result.stdout.toString()}${result.stderr}`.trim().slice(-1_500)
      throw new Error(
        `Maven could not download Kafka (${result.code === null ? 'too slow' : `code ${result.code}`}): ${said}`,
      )
    }
    await chmod(draft, 0o755) // a draft is closed to others; a cache may serve several users
    await rm(target, { recursive: true, force: true })
    await rename(draft, target)
    log(`downloaded Apache Kafka in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

/** The copy of the pom beside the jars says which download they are; the rename makes it appear last. */
async function isCurrent(target: string): Promise<boolean> {
  const [wanted, present] = await Promise.all([
    readFile(POM, 'utf8'),
    readFile(join(target, 'pom.xml'), 'utf8').catch(() => undefined),
  ])
  return wanted === present
}
