import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startServices } from '../../../dev-services/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unavailable-'))
  vi.stubEnv('KAFKA_BROKERS', '')
  vi.stubEnv('DOCKER_HOST', `unix://${join(folder, 'no-engine.sock')}`)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(folder, { recursive: true, force: true })
})

test('without Java, one error names all that is missing and the three ways out', async () => {
  vi.stubEnv('JAVA_HOME', folder)
  const failure = await startServices({ kafka: true }).catch((error: unknown) => error)
  expect(failure).toMatchObject({ name: 'ServicesUnavailableError' })
  expect(String(failure)).toContain('KAFKA_BROKERS is not set')
  expect(String(failure)).toContain('no Docker engine answers')
  expect(String(failure)).toContain('no Java')
  expect(String(failure)).toMatch(
    /1\. set KAFKA_BROKERS[^]*2\. start a Docker engine[^]*3\. local programs: Java 17/,
  )
})

test('a Java that is too old is named', async () => {
  await fakeProgram('bin/java', 'echo \'openjdk version "11.0.2"\' >&2')
  vi.stubEnv('JAVA_HOME', folder)
  await expect(startServices({ kafka: true })).rejects.toThrow(/Java 17 or later is needed.*is version 11/)
})

test('without Maven and without a cache, the error says so', async () => {
  await fakeProgram('bin/java', 'echo \'openjdk version "17.0.2"\' >&2')
  vi.stubEnv('JAVA_HOME', folder)
  vi.stubEnv('BACKSTITCH_CACHE_DIR', folder)
  vi.stubEnv('PATH', folder)
  await expect(startServices({ kafka: true })).rejects.toThrow(/there is no Maven \("mvn"\) to download them/)
})

test("a run that needs its own servers is not told to use another's", async () => {
  vi.stubEnv('JAVA_HOME', folder)
  const failure = await startServices({ kafka: true, own: true }).catch((error: unknown) => error)
  expect(String(failure)).toContain('no Java')
  expect(String(failure)).toContain('it needs one of its own')
  expect(String(failure)).not.toContain('set KAFKA_BROKERS')
})

test('a server that cannot run is reported with the end of its log, and nothing is left running', async () => {
  vi.stubEnv('DATABASE_URL', '')
  const parameters = { shared_buffers: 'a lot' }
  await expect(startServices({ postgres: { parameters }, own: true })).rejects.toThrow(
    /Postgres ended by itself \(code 1\)[^]*invalid value for parameter "shared_buffers"/,
  )
})

async function fakeProgram(name: string, script: string): Promise<void> {
  const path = join(folder, name)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, `#!/bin/sh\n${script}\n`)
  await chmod(path, 0o755)
}
