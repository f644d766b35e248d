import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { Kafka, logLevel } from 'kafkajs'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { kafkaConsole, type OwnServices, startServices } from '../../../dev-services/index.ts'
import { uniqueName } from '../../support/services.ts'

/** Holds a port, or finds that somebody else already does: either way it is occupied. */
function occupy(port: number): Promise<Server> {
  const server = createServer()
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(server)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

describe("a run's own servers", () => {
  let services: OwnServices
  let occupied: Server[]

  beforeAll(async () => {
    // as if the environment had servers too: they must not be touched
    vi.stubEnv('DATABASE_URL', 'postgres://nobody:nothing@127.0.0.1:1/none')
    vi.stubEnv('KAFKA_BROKERS', '127.0.0.1:1')
    occupied = await Promise.all([5432, 9092].map(occupy))
    services = await startServices({ own: true })
  })
  afterAll(async () => {
    await services.stop()
    for (const server of occupied) server.close()
    vi.unstubAllEnvs()
  })

  const query = async (text: string): Promise<Record<string, unknown>[]> => {
    const client = new Client({ connectionString: services.postgres.url, connectionTimeoutMillis: 2_000 })
    client.on('error', () => {})
    await client.connect()
    try {
      return (await client.query<Record<string, unknown>>(text)).rows
    } finally {
      await client.end()
    }
  }
  const kafka = (): Kafka =>
    new Kafka({ brokers: services.kafka.brokers, logLevel: logLevel.NOTHING, retry: { retries: 20 } })

  test('are local, on ports of their own, and there although the usual ports are taken', () => {
    expect([services.postgres.origin, services.kafka.origin]).toEqual(['local', 'local'])
    expect(services.postgres.url).toMatch(/^postgres:\/\/postgres:[0-9a-f]+@127\.0\.0\.1:\d+\/postgres$/)
    expect(services.postgres.url).not.toContain(':5432/')
    expect(services.kafka.brokers).toEqual([expect.stringMatching(/^127\.0\.0\.1:\d+$/)])
    expect(services.kafka.brokers).not.toContain('127.0.0.1:9092')
  })

  test('use ports that no outgoing connection can be given', async () => {
    if (process.platform !== 'linux') return
    const range = await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const lowest = Number(range.split(/\s+/)[0])
    expect(Number(new URL(services.postgres.url).port)).toBeLessThan(lowest)
    expect(Number(services.kafka.brokers[0]?.split(':')[1])).toBeLessThan(lowest)
  })

  test('Postgres has the settings the project needs, durability included', async () => {
    const names = ['wal_level', 'max_prepared_transactions', 'max_connections', 'fsync', 'synchronous_commit']
    const rows = await query(
      `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`).join()}) order by 1`,
    )
    expect(Object.fromEntries(rows.map((row) => [row['name'], row['setting']]))).toEqual({
      fsync: 'on',
      max_connections: '200',
      max_prepared_transactions: '20',
      synchronous_commit: 'on',
      wal_level: 'logical',
    })
  })

  test('Postgres comes back after kill -9 on the same port, with what was committed', async () => {
    const table = uniqueName('kept')
    await query(`create table ${table} as select 1 as n`)
    const { url } = services.postgres
    const before = services.postgres.pid()

    await services.postgres.kill('SIGKILL')
    expect(services.postgres.pid()).toBeUndefined()
    await expect(query('select 1')).rejects.toThrow(/ECONNREFUSED/)

    await services.postgres.restart()
    expect(services.postgres.url).toBe(url)
    expect(services.postgres.pid()).not.toBe(before)
    expect(await query(`select n from ${table}`)).toEqual([{ n: 1 }])
  })

  test('a frozen Postgres answers nobody, open sessions included, until it is thawed', async () => {
    const session = new Client({ connectionString: services.postgres.url })
    await session.connect()
    await services.postgres.kill('SIGSTOP')
    const answer = session.query('select 1 as n')
    const first = await Promise.race([
      answer.then(() => 'answered'),
      new Promise((resolve) => setTimeout(() => resolve('silent'), 500)),
    ])
    await services.postgres.kill('SIGCONT')
    expect(first).toBe('silent')
    expect((await answer).rows).toEqual([{ n: 1 }])
    await session.end()
  })

  test('Kafka makes no topic by accident and comes back after kill -9 with what was acknowledged', async () => {
    const topic = uniqueName('topic')
    const admin = kafka().admin()
    const producer = kafka().producer()
    await Promise.all([admin.connect(), producer.connect()])
    await expect(admin.fetchTopicMetadata({ topics: [topic] })).rejects.toThrow()
    expect(await admin.listTopics()).not.toContain(topic)

    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true })
    const value = Buffer.from([0x00, 0xff, 0x0a, 0x41])
    await producer.send({ topic, acks: -1, messages: [{ key: 'k', value }] })
    const { brokers } = services.kafka

    await services.kafka.kill('SIGKILL')
    expect(services.kafka.pid()).toBeUndefined()
    await services.kafka.restart()

    expect(services.kafka.brokers).toEqual(brokers)
    const written = await kafkaConsole({
      brokers,
      args: [
        '--topic',
        topic,
        '--from-beginning',
        '--max-messages',
        '1',
        '--formatter-property',
        'print.key=true',
      ],
    })
    expect(written).toEqual(Buffer.concat([Buffer.from('k\t'), value, Buffer.from('\n')]))
    await Promise.all([admin.disconnect(), producer.disconnect()])
  })

  test('a server that was not asked for cannot be read by mistake', async () => {
    const only = await startServices({ own: true, postgres: true })
    try {
      expect(() => only.kafka).toThrow(/did not ask for kafka/)
    } finally {
      await only.stop()
      await only.stop() // twice is allowed
    }
  })
})
