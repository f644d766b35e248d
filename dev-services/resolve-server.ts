import type { DockerEngine } from './docker/find-docker-engine.ts'
import { ServicesUnavailableError } from './services-unavailable-error.ts'
import { untilReady } from './readiness/until-ready.ts'

/** A server of the environment may still be starting, as beside a CI job. */
const ENVIRONMENT_READY_WITHIN_MS = 10_000

/** The ways to one kind of server, in the order they are tried. */
export interface ServerWays<S> {
  /** For messages: 'Postgres', 'Kafka'. */
  server: string
  /** The environment variable that names a running one. */
  variable: string
  /** What local programs need, for the message. */
  needs: string
  environment: (value: string) => { server: S; probe: () => Promise<void> }
  docker: (engine: DockerEngine) => Promise<S>
  local: () => Promise<S>
}

/**
 * Takes the first way that works: the environment, Docker, local programs. A variable that is set is an order: if its
 * server does not answer, that is an error and not a reason to look elsewhere. An engine that cannot run the image
 * (no network, say) is such a reason.
 * @throws ServicesUnavailableError when no way works, Error when the environment's server does not answer
 */
export async function resolveServer<S>(
  ways: ServerWays<S>,
  engine: () => Promise<DockerEngine | { missing: string }>,
  log: (line: string) => void,
): Promise<S> {
  const reasons: string[] = []
  const value = process.env[ways.variable]
  if (value !== undefined && value !== '') {
    const { server, probe } = ways.environment(value)
    await untilReady(`the ${ways.server} of ${ways.variable}`, ENVIRONMENT_READY_WITHIN_MS, probe)
    return server
  }
  reasons.push(`${ways.variable} is not set`)
  const found = await engine()
  if ('missing' in found) {
    reasons.push(found.missing)
  } else {
    try {
      return await ways.docker(found)
    } catch (error) {
      reasons.push(`the Docker engine could not run it: ${textOf(error)}`)
      log(`${ways.server}: ${reasons.at(-1)}; trying local programs`)
    }
  }
  return resolveLocal(ways, reasons, false)
}

/** Local programs only, for a run that needs servers of its own. @throws ServicesUnavailableError */
export async function resolveLocal<S>(
  ways: Omit<ServerWays<S>, 'environment' | 'docker'>,
  reasons: readonly string[],
  own: boolean,
): Promise<S> {
  try {
    return await ways.local()
  } catch (error) {
    const { server, variable, needs } = ways
    const why = [...reasons, `local programs: ${textOf(error)}`]
    throw new ServicesUnavailableError({ server, variable, local: needs }, why, own, { cause: error })
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
