import { Pool } from 'pg'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startBackstitch } from '../../integration/cli/backstitch-process.ts'
import { kafkaBrokers } from '../../support/services.ts'
import { lateServer, type LateServer } from './world/late-server.ts'
import { placeOrder } from './world/shop.ts'
import { TopicReader } from './world/topic-reader.ts'
import { World } from './world/world.ts'

const lateDatabase = async ({
  url,
}: World): Promise<LateServer & { readonly url: string; readonly pool: Pool }> => {
  const real = new URL(url)
  const late = await lateServer({ host: real.hostname, port: Number(real.port) })
  real.host = late.address
  const pool = new Pool({ connectionString: real.href, max: 6 })
  pool.on('error', () => undefined) // the proxy goes away with the test, perhaps before the pool
  onTestFinished(() => pool.end())
  return { ...late, url: real.href, pool }
}

const lateBroker = async (): Promise<LateServer> => {
  const [host = '', port] = (kafkaBrokers()[0] ?? '').split(/:(?=\d+$)/)
  return lateServer({ host, port: Number(port) })
}

const order = (orderId: string) => ({ key: orderId, payload: `{"orderId":"${orderId}","total":1}` })

describe('the relay', () => {
  test('as a process: waits for both servers, says for which, and publishes by itself once they are there', async () => {
    const world = await World.open()
    await world.createTopics('order')
    await world.insert(order('o-1'))
    const [database, broker] = [await lateDatabase(world), await lateBroker()]
    const relay = startBackstitch(['relay', '--database', 'orders'], {
      environment: {
        DATABASE_URL_ORDERS: database.url,
        KAFKA_BROKERS: broker.address,
        TOPIC_PREFIX: world.topicPrefix,
      },
    })
    onTestFinished(() => void relay.process.kill('SIGKILL'))
    await relay.says('waiting for the database: it does not answer')
    await relay.says('waiting for Kafka')
    await relay.says(database.address)
    await relay.says(broker.address)

    await database.appear()
    await broker.appear()
    const reader = await TopicReader.of(world.topicOf('order'))
    await reader.holds('o-1', [order('o-1').payload])
    await relay.says('Kafka answers again')
    relay.process.kill('SIGTERM')
    const { code, out } = await relay.ended
    expect(code).toBe(0)
    expect(out).toContain('DATABASE_UNREACHABLE')
    expect(out).toContain('KAFKA_UNREACHABLE')
    expect(out).not.toContain(new URL(world.url).password)
  })
})

describe.each(['consumer', 'participant', 'orchestrator'] as const)('the %s', (kind) => {
  test('waits for the database, says so, and starts by itself once it is there', async () => {
    const world = await World.open()
    await world.createTopics('order', 'stock.command', 'orchestrator.reply', 'orchestrator.saga')
    const late = await lateDatabase(world)
    const part = world[kind]({ pool: late.pool })
    const starting = part.start()
    const line = await world.log.says({
      server: 'database',
      msg: 'waits for a server, and starts by itself once it answers',
    })
    expect(line).toMatchObject({ level: 'warn', code: 'DATABASE_UNREACHABLE' })
    expect(line['reason']).toContain(late.address)
    expect(part.health()).toMatchObject({ state: 'failing' })
    expect(part.health().reason).toMatch(/^database: DATABASE_UNREACHABLE: .* Check its address/)

    await late.appear()
    await starting
    expect(part.health()).toEqual({ state: 'running' })
    await part.stop()
  })

  test('waits for the broker, says so, and starts by itself once it is there', async () => {
    const world = await World.open()
    await world.createTopics('order', 'stock.command', 'orchestrator.reply', 'orchestrator.saga')
    const late = await lateBroker()
    const part = world[kind]({ transport: world.transportTo([late.address]) })
    const starting = part.start()
    const line = await world.log.says({
      server: 'Kafka',
      msg: 'waits for a server, and starts by itself once it answers',
    })
    expect(line).toMatchObject({ level: 'warn', code: 'KAFKA_UNREACHABLE' })
    expect(line['reason']).toMatch(/Check the brokers’ addresses/)
    expect(part.health().reason).toMatch(/^Kafka: KAFKA_UNREACHABLE/)

    await late.appear()
    await starting
    expect(part.health()).toEqual({ state: 'running' })
    await part.stop()
  })
})

test('what was written while everything was away is done once it is back: a saga and an event', async () => {
  const world = await World.open()
  await world.createTopics('order', 'stock.command', 'orchestrator.reply', 'orchestrator.saga')
  const broker = await lateBroker()
  const transport = world.transportTo([broker.address])
  const late = await lateDatabase(world)
  const parts = [
    world.relay({ transport, pool: late.pool }),
    world.consumer({ transport, pool: late.pool }),
    world.participant({ transport, pool: late.pool }),
    world.orchestrator({ transport, pool: late.pool }),
  ]
  const starting = Promise.all(parts.map((part) => part.start()))
  await world.insert(order('o-1'))
  const client = await world.pool.connect()
  await client.query('begin')
  const { id } = await placeOrder.start(client, { orderId: 'o-1', total: 1 })
  await client.query('commit')
  client.release()
  await world.log.says({ server: 'database', code: 'DATABASE_UNREACHABLE' })

  await late.appear()
  await world.log.says({ server: 'Kafka', code: 'KAFKA_UNREACHABLE' })
  await broker.appear()
  await starting
  await expect.poll(() => world.invoices(), { timeout: 20_000 }).toEqual(['o-1'])
  const status = async (): Promise<unknown> =>
    (await world.pool.query('select status from backstitch.saga_instance where id = $1', [id])).rows
  await expect.poll(status, { timeout: 20_000 }).toEqual([{ status: 'completed' }])
  await Promise.all(parts.map((part) => part.stop()))
})
