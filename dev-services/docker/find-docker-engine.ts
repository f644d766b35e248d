import { readFile } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { homedir } from 'node:os'
import { join } from 'node:path'

const PING_WITHIN_MS = 1_500

/** A Docker engine that answers. */
export interface DockerEngine {
  /** The value `DOCKER_HOST` has, or must be given, to reach it. */
  dockerHost: string
  /** Where the ports of its containers can be reached from here. */
  portsHost: string
}

/**
 * Looks for a running engine by a ping on its API (`GET /_ping`): at `DOCKER_HOST` if that is set, else at the usual
 * sockets. An installed `docker` command proves nothing.
 * @returns the first engine that answers, or why there is none
 */
export async function findDockerEngine(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Promise<DockerEngine | { missing: string }> {
  const hosts = candidates(environment)
  for (const dockerHost of hosts) {
    if (await answersPing(dockerHost, environment)) {
      const { protocol, hostname } = new URL(dockerHost)
      return { dockerHost, portsHost: protocol === 'tcp:' ? hostname : '127.0.0.1' }
    }
  }
  return { missing: `no Docker engine answers (tried ${hosts.join(', ')})` }
}

function candidates(environment: Readonly<Record<string, string | undefined>>): string[] {
  const given = environment['DOCKER_HOST']
  if (given !== undefined && given !== '') return [given]
  const home = environment['HOME'] ?? homedir()
  const runtime = environment['XDG_RUNTIME_DIR']
  return [
    '/var/run/docker.sock',
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock')]),
    join(home, '.docker', 'run', 'docker.sock'),
    join(home, '.docker', 'desktop', 'docker.sock'),
  ].map((path) => `unix://${path}`)
}

async function answersPing(
  dockerHost: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<boolean> {
  try {
    const url = new URL(dockerHost)
    if (url.protocol === 'unix:') return await ping({ socketPath: decodeURIComponent(url.pathname) }, false)
    if (url.protocol !== 'tcp:' && url.protocol !== 'http:') return false
    const address = { host: url.hostname, port: url.port === '' ? '2375' : url.port }
    if ((environment['DOCKER_TLS_VERIFY'] ?? '') === '') return await ping(address, false)
    const certificates = environment['DOCKER_CERT_PATH'] ?? join(homedir(), '.docker')
    const [ca, cert, key] = await Promise.all(
      ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(certificates, name))),
    )
    return await ping({ ...address, ca, cert, key }, true)
  } catch {
    return false
  }
}

function ping(target: object, secure: boolean): Promise<boolean> {
  return new Promise((resolve) => {
    const request = (secure ? httpsRequest : httpRequest)({
      ...target,
      path: '/_ping',
      signal: AbortSignal.timeout(PING_WITHIN_MS),
    })
    request.once('error', () => resolve(false))
    request.once('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.end()
  })
}
