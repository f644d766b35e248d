import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { findDockerEngine } from '../../../dev-services/docker/find-docker-engine.ts'
import { kafkaContainerEnvironment } from '../../../dev-services/docker/kafka-container-environment.ts'
import { startServices } from '../../../dev-services/index.ts'
import { IMAGES, INITDB_ARGUMENTS, postgresArguments } from '../../../dev-services/parameters.ts'

describe('finding a Docker engine', () => {
  let folder: string
  const servers: Server[] = []

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'docker-ping-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  })

  const listen = async (where: string | number, answer: RequestListener): Promise<Server> => {
    const server = createServer(answer)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(where, () => resolve()))
    return server
  }
  const onlyPing: RequestListener = (request, response) => {
    response
      .writeHead(request.url === '/_ping' ? 200 : 500)
      .end(request.url === '/_ping' ? 'OK' : '{"message":"broken"}')
  }

  test('an engine that answers the ping on DOCKER_HOST is found', async () => {
    const socket = join(folder, 'engine.sock')
    await listen(socket, onlyPing)
    expect(await findDockerEngine({ DOCKER_HOST: `unix://${socket}` })).toEqual({
      dockerHost: `unix://${socket}`,
      portsHost: '127.0.0.1',
    })
  })

  test('an engine over TCP is found, and its ports are looked for on its host', async () => {
    const server = await listen(0, onlyPing)
    const dockerHost = `tcp://localhost:${(server.address() as AddressInfo).port}`
    expect(await findDockerEngine({ DOCKER_HOST: dockerHost })).toEqual({
      dockerHost,
      portsHost: 'localhost',
    })
  })

  test("a rootless engine is found at the user's own socket", async () => {
    await listen(join(folder, 'docker.sock'), onlyPing)
    const found = await findDockerEngine({ XDG_RUNTIME_DIR: folder, HOME: folder })
    // where the machine has an engine of its own, that one comes first
    expect('dockerHost' in found && found.dockerHost).toMatch(/docker\.sock$/)
  })

  test.each(['silent', 'refusing', 'absent', 'failing'])('a %s socket is no engine', async (kind) => {
    const socket = join(folder, `${kind}.sock`)
    if (kind === 'failing') await listen(socket, (_request, response) => response.writeHead(500).end())
    if (kind === 'silent') await listen(socket, () => {})
    if (kind === 'refusing') {
      const server = createSocketServer((connection) => connection.destroy())
      await new Promise<void>((resolve) => server.listen(socket, () => resolve()))
      servers.push(Object.assign(server, { closeAllConnections: () => {} }) as unknown as Server)
    }
    const found = await findDockerEngine({ DOCKER_HOST: `unix://${socket}` })
    expect(found).toEqual({ missing: expect.stringContaining(socket) as string })
  })

  test('an engine that cannot run the image is passed over, and said so', async () => {
    const socket = join(folder, 'broken.sock')
    await listen(socket, onlyPing)
    vi.stubEnv('DOCKER_HOST', `unix://${socket}`)
    vi.stubEnv('DATABASE_URL', '')
    const lines: string[] = []
    const services = await startServices({ postgres: true, log: (line) => lines.push(line) })
    await services.stop()
    expect(services.postgres.origin).toBe('local')
    expect(lines.join('\n')).toMatch(/the Docker engine could not run it.*trying local programs/)
  })
})

describe('docker-compose.yml', () => {
  test('has the images and the settings of the code', async () => {
    const text = await readFile(new URL('../../../docker-compose.yml', import.meta.url), 'utf8')
    const [postgres = '', kafka = ''] = text.slice(text.indexOf('\n  postgres:')).split('\n  kafka:')
    const imageOf = (part: string): string | undefined => /^ {4}image: (.*)$/m.exec(part)?.[1]
    const valueOf = (part: string): Record<string, string> =>
      Object.fromEntries(
        [...part.matchAll(/^ {6}([A-Z_]+): '?([^'\n]*)'?$/gm)].map(([, name, value]) => [name, value]),
      )

    expect({ postgres: imageOf(postgres), kafka: imageOf(kafka) }).toEqual(IMAGES)
    expect([...postgres.matchAll(/^ {6}- ([^'\n]+)$/gm)].map(([, argument]) => argument)).toEqual([
      'postgres',
      ...postgresArguments({}),
    ])
    expect(valueOf(postgres)['POSTGRES_INITDB_ARGS']).toBe(INITDB_ARGUMENTS.join(' '))
    expect(valueOf(kafka)).toEqual({
      ...kafkaContainerEnvironment('127.0.0.1:9092'),
      KAFKA_HEAP_OPTS: '-Xms512m -Xmx512m',
    })
  })
})
