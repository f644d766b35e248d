import { randomBytes } from 'node:crypto'
import { IMAGES, INITDB_ARGUMENTS, postgresArguments } from '../parameters.ts'
import { probePostgres } from '../readiness/probe-postgres.ts'
import type { PostgresServer, PostgresSettings } from '../settings.ts'
import { untilReady } from '../readiness/until-ready.ts'
import type { DockerEngine } from './find-docker-engine.ts'

const PULL_AND_START_WITHIN_MS = 5 * 60_000
const READY_WITHIN_MS = 60_000

/** Starts Postgres in a container; testcontainers removes it should this run be killed. */
export async function startDockerPostgres(
  engine: DockerEngine,
  settings: PostgresSettings,
): Promise<PostgresServer> {
  const { GenericContainer, Wait } = await import('testcontainers') // heavy, and only needed with an engine
  const password = randomBytes(12).toString('hex')
  const container = await new GenericContainer(IMAGES.postgres)
    .withEnvironment({ POSTGRES_PASSWORD: password, POSTGRES_INITDB_ARGS: INITDB_ARGUMENTS.join(' ') })
    .withCommand(['postgres', ...postgresArguments(settings)])
    .withExposedPorts(5432)
    // only that it runs at all: whether it is ready is asked from outside, as every client will
    .withWaitStrategy(Wait.forLogMessage(/./))
    .withStartupTimeout(PULL_AND_START_WITHIN_MS)
    .start()
  const url = `postgres://postgres:${password}@${engine.portsHost}:${container.getMappedPort(5432)}/postgres`
  const stop = async (): Promise<void> => void (await container.stop())
  try {
    await untilReady('Postgres in Docker', READY_WITHIN_MS, () => probePostgres(url))
  } catch (error) {
    await stop()
    throw error
  }
  return { url, origin: 'docker', stop }
}
