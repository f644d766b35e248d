import { chmod, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newClusterId } from '../../../dev-services/local/kafka/cluster-id.ts'
import { kafkaJars } from '../../../dev-services/local/kafka/kafka-jars.ts'
import { KAFKA_VERSION } from '../../../dev-services/parameters.ts'

let folder: string
let cache: string
const lines: string[] = []
const log = (line: string): void => void lines.push(line)

/** A Maven that notes each call and writes one jar, slowly. */
const FAKE_MAVEN = `#!/bin/sh
echo call >> "$(dirname "$0")/calls"
for argument in "$@"; do case "$argument" in -DoutputDirectory=*) out="\${argument#*=}";; esac; done
sleep 0.3
if [ -e "$(dirname "$0")/broken" ]; then echo 'no network'; exit 1; fi
echo jar > "$out/kafka.jar"
`

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kafka-jars-'))
  cache = join(folder, 'cache')
  lines.length = 0
  await mkdir(join(folder, 'bin'))
  await writeFile(join(folder, 'bin', 'mvn'), FAKE_MAVEN)
  await chmod(join(folder, 'bin', 'mvn'), 0o755)
  vi.stubEnv('PATH', `${join(folder, 'bin')}:${process.env['PATH']}`)
  vi.stubEnv('BACKSTITCH_CACHE_DIR', cache)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

const calls = async (): Promise<number> =>
  (await readFile(join(folder, 'bin', 'calls'), 'utf8').catch(() => '')).split('\n').filter(Boolean).length

test('several runs at once download once, and say so once', async () => {
  const found = await Promise.all([kafkaJars(log), kafkaJars(log), kafkaJars(log)])
  expect(new Set(found)).toEqual(new Set([join(cache, `kafka-${KAFKA_VERSION}`)]))
  expect(await readdir(found[0] ?? '')).toEqual(['kafka.jar', 'pom.xml'])
  expect(await calls()).toBe(1)
  expect(lines).toEqual([
    expect.stringMatching(/^downloading Apache Kafka .* \(about 55 MB, once\)$/),
    expect.stringMatching(/^downloaded Apache Kafka in [\d.]+ s$/),
  ])
  await kafkaJars(log)
  expect(await calls()).toBe(1)
  expect(await readdir(cache)).toEqual([`kafka-${KAFKA_VERSION}`])
})

test('a failed download leaves nothing that looks like jars, and the next run tries again', async () => {
  await writeFile(join(folder, 'bin', 'broken'), '')
  await expect(kafkaJars(log)).rejects.toThrow(/Maven could not download Apache Kafka \(code 1\): no network/)
  expect(await readdir(cache)).toEqual([])
  await rm(join(folder, 'bin', 'broken'))
  await kafkaJars(log)
  expect(await calls()).toBe(2)
})

test('jars of another pom are replaced', async () => {
  const target = await kafkaJars(log)
  await writeFile(join(target, 'pom.xml'), '<project/>')
  await writeFile(join(target, 'old.jar'), '')
  await kafkaJars(log)
  expect(await calls()).toBe(2)
  expect(await readdir(target)).not.toContain('old.jar')
})

test.each([
  ['whose process has died', String(2 ** 22 + 1), 0],
  ['that is far too old', String(process.pid), 3_600],
])('a lock %s does not hold up the next run', async (_kind, owner, ageSeconds) => {
  await mkdir(cache)
  const lock = join(cache, `kafka-${KAFKA_VERSION}.lock`)
  await writeFile(lock, owner)
  const then = Date.now() / 1000 - ageSeconds
  await utimes(lock, then, then)
  await kafkaJars(log)
  expect(await calls()).toBe(1)
})

test('a cluster id never looks like an option of the storage tool', () => {
  const ids = Array.from({ length: 5_000 }, newClusterId)
  expect(ids.filter((id) => !/^[A-Za-z][\w-]{21}$/.test(id))).toEqual([])
  expect(new Set(ids).size).toBe(ids.length)
})
