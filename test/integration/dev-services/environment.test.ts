import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, inject, test, vi } from 'vitest'
import { startServices } from '../../../dev-services/index.ts'
import { probeKafka } from '../../../dev-services/readiness/probe-kafka.ts'
import { probePostgres } from '../../../dev-services/readiness/probe-postgres.ts'
import { untilReady } from '../../../dev-services/readiness/until-ready.ts'

afterEach(() => vi.unstubAllEnvs())

test("the environment's servers come first, and stopping leaves them alone", async () => {
  vi.stubEnv('DATABASE_URL', inject('postgresUrl'))
  vi.stubEnv('KAFKA_BROKERS', ` ${inject('kafkaBrokers').join(' , ')}`)
  const services = await startServices()
  expect(services.postgres).toMatchObject({ url: inject('postgresUrl'), origin: 'environment' })
  expect(services.kafka).toMatchObject({ brokers: inject('kafkaBrokers'), origin: 'environment' })

  await services.stop()

  await probePostgres(inject('postgresUrl'))
  await probeKafka(inject('kafkaBrokers')[0] ?? '')
})

test('a variable that names a server which refuses us is an error, not a reason to look elsewhere', async () => {
  const url = new URL(inject('postgresUrl'))
  url.password = 'wrong'
  vi.stubEnv('DATABASE_URL', url.href)
  await expect(startServices({ postgres: true })).rejects.toThrow(
    /^the Postgres of DATABASE_URL cannot be used: password authentication failed/,
  )
})

test('a server that is still starting is waited for, but not for ever', async () => {
  const nobody = (): Promise<void> => probePostgres('postgres://a:b@127.0.0.1:1/c')
  await expect(untilReady('it', 200, nobody)).rejects.toThrow(
    /^it cannot be used after 200 ms: .*ECONNREFUSED/,
  )
  let asked = 0
  await untilReady('it', 5_000, () => ((asked += 1) < 3 ? nobody() : Promise.resolve()))
  expect(asked).toBe(3)
})

test.each(['an open port that says nothing', 'an open port of something else'])(
  '%s is no Kafka',
  async (kind) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      if (kind.includes('else')) socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'.padEnd(5_000))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const { port } = server.address() as AddressInfo
    await expect(probeKafka(`127.0.0.1:${port}`)).rejects.toThrow()
    server.close()
  },
)

test('the Kafka of another cluster is told apart', async () => {
  const [broker = ''] = inject('kafkaBrokers')
  await expect(probeKafka(broker, 'of-another-run')).rejects.toThrow('another cluster answered')
})
