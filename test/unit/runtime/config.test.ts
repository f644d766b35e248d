import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isBackstitchError } from '../../../src/kernel/errors.ts'
import { type Config, type ConfigFlags, loadConfig } from '../../../src/runtime/config.ts'
import {
  chooseDatabases,
  chooseOrchestratorDatabase,
} from '../../../src/runtime/from-config/choose-databases.ts'
import { partsOf } from '../../../src/runtime/from-config/parts-of.ts'

let folder: string
let counter = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'backstitch-config-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** Loads a configuration whose file exports this expression. A module is imported once, so each has a file of its own. */
const load = async (
  source: string | undefined,
  environment: Record<string, string> = {},
  flags: ConfigFlags = {},
): Promise<Config> => {
  if (source === undefined) return loadConfig({ folder, environment, flags })
  const file = `config-${counter++}.ts`
  await writeFile(join(folder, file), `export default ${source}\n`)
  return loadConfig({ folder, environment, flags: { ...flags, config: file } })
}

/** Turns a throw into a rejection. */
const attempt = async (work: () => unknown): Promise<unknown> => work()

const refusal = async (loading: Promise<unknown>): Promise<string> => {
  const thrown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isBackstitchError(thrown)) throw new Error('it was not refused', { cause: thrown })
  return thrown.message
}

describe('the file', () => {
  test('is not needed, and everything has a default', async () => {
    expect(await load(undefined)).toEqual({
      file: undefined,
      databases: [],
      kafka: {
        driver: 'kafkajs',
        compression: undefined,
        brokers: undefined,
        ssl: undefined,
        sasl: undefined,
      },
      topicPrefix: 'outbox.event.',
      relay: {},
      contracts: [],
      topics: { partitions: 6 },
      log: { level: 'info' },
    })
  })

  test.each(['ts', 'mts', 'mjs'])('is found by its name with the ending %s', async (ending) => {
    const own = await mkdtemp(join(folder, 'found-'))
    const path = join(own, `backstitch.config.${ending}`)
    await writeFile(path, `export default { topicPrefix: '${ending}.' }`)
    expect(await loadConfig({ folder: own, environment: {} })).toMatchObject({
      file: path,
      topicPrefix: `${ending}.`,
    })
  })

  test('that is named must be there', async () => {
    await expect(load(undefined, {}, { config: 'nowhere.ts' })).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    })
  })

  test('that cannot be imported says why', async () => {
    expect(await refusal(load('{ unfinished'))).toMatch(/^CONFIG_INVALID: .*config-\d+\.ts: /)
    expect(await refusal(load('undefined'))).toContain('export default defineConfig')
  })

  test.each([
    ['{ relais: {} }', 'relais: there is no such option'],
    ['{ relay: { leaseMs: 1 } }', 'relay.leaseMs: there is no such option'],
    [
      '{ kafka: { sasl: { mechanism: "plain", username: "u", pasword: "p" } } }',
      'kafka.sasl.pasword: there is no',
    ],
    ['{ databases: [{ ssl: { authority: "x" } }] }', 'databases.0.ssl.authority: there is no such option'],
    ['{ databases: [{ ssl: "yes" }] }', 'databases.0.ssl: '],
    ['{ databases: [{ url: "mysql://x" }] }', 'databases.0.url: it is no URL such as postgres://'],
    ['{ databases: [{ parts: ["outbox", "inbocks"] }] }', 'databases.0.parts.1: '],
    ['{ kafka: { brokers: ["kafka"] } }', 'kafka.brokers.0: host:port'],
    ['{ kafka: { brokers: [] } }', 'kafka.brokers: name at least one'],
    ['{ topicPrefix: "a b" }', 'topicPrefix: letters'],
    ['{ topics: { partitions: 0 } }', 'topics.partitions: '],
    ['{ orchestrator: { sagas: [] } }', 'orchestrator.sagas: '],
    ['{ orchestrator: { sagas: [{ name: "x" }] } }', 'orchestrator.sagas.0: it is no saga(...)'],
    ['{ contracts: [{}] }', 'contracts.0: it is no event(...)'],
    ['{ log: { level: "loud" } }', 'log.level: '],
    ['[]', '(the whole): '],
  ])('%s is refused', async (source, problem) => {
    const message = await refusal(load(source))
    expect(message).toMatch(/^CONFIG_INVALID: /)
    expect(message).toContain(problem)
  })

  test('names every problem at once', async () => {
    const message = await refusal(load('{ one: 1, two: 2, log: { level: 3 } }'))
    expect(message).toContain('one: there is no such option; two: there is no such option')
    expect(message).toContain('log.level: ')
  })
})

describe('the environment', () => {
  test('configures a process without a file', async () => {
    const config = await load(undefined, {
      DATABASE_URL: 'postgres://u:p@db/shop',
      BACKSTITCH_SCHEMA: 'messaging',
      KAFKA_BROKERS: 'k1:9092, k2:9092',
      KAFKA_DRIVER: 'platformatic',
      KAFKA_COMPRESSION: 'zstd',
      LOG_LEVEL: 'debug',
    })
    expect(config).toMatchObject({
      databases: [{ name: 'shop', url: 'postgres://u:p@db/shop', schema: 'messaging' }],
      kafka: { brokers: ['k1:9092', 'k2:9092'], driver: 'platformatic', compression: 'zstd' },
      log: { level: 'debug' },
    })
  })

  test('wins over the file, and flags win over both', async () => {
    const source = `{ databases: [{ url: 'postgres://file/a', schema: 'file' }], kafka: { brokers: ['file:1'] }, log: { level: 'error' } }`
    const environment = {
      DATABASE_URL: 'postgres://env/b',
      BACKSTITCH_SCHEMA: 'env',
      KAFKA_BROKERS: 'env:1',
      LOG_LEVEL: 'warn',
    }
    expect(await load(source)).toMatchObject({
      databases: [{ url: 'postgres://file/a', schema: 'file' }],
      kafka: { brokers: ['file:1'] },
      log: { level: 'error' },
    })
    expect(await load(source, environment)).toMatchObject({
      databases: [{ url: 'postgres://env/b', schema: 'env' }],
      kafka: { brokers: ['env:1'] },
      log: { level: 'warn' },
    })
    expect(
      await load(source, environment, { schema: 'flag', brokers: ['flag:1'], logLevel: 'debug' }),
    ).toMatchObject({
      databases: [{ url: 'postgres://env/b', schema: 'flag' }],
      kafka: { brokers: ['flag:1'] },
      log: { level: 'debug' },
    })
  })

  test('gives each of several databases its own address, and the general one to none', async () => {
    const config = await load(
      `{ databases: [{ name: 'orders' }, { name: 'stock-eu' }, { name: 'other', url: 'postgres://file/x' }] }`,
      {
        DATABASE_URL: 'postgres://general/x',
        DATABASE_URL_ORDERS: 'postgres://db/orders',
        DATABASE_URL_STOCK_EU: 'postgres://db/stock',
      },
    )
    expect(config.databases.map(({ url }) => url)).toEqual([
      'postgres://db/orders',
      'postgres://db/stock',
      'postgres://file/x',
    ])
  })

  test('takes an empty variable as absent', async () => {
    expect(await load(undefined, { DATABASE_URL: '', KAFKA_BROKERS: '' })).toMatchObject({ databases: [] })
  })

  test('leaves of TLS and SASL what no variable names as the file has it', async () => {
    const { kafka, databases } = await load(
      `{
        databases: [{ name: 'shop', ssl: { ca: '-----BEGIN CERTIFICATE-----\\nca' } }],
        kafka: {
          ssl: { ca: '-----BEGIN CERTIFICATE-----\\nca', servername: 'kafka' },
          sasl: { mechanism: 'plain', username: 'file', password: 'file' },
        },
      }`,
      { DATABASE_SSL: 'true', KAFKA_SSL_KEY: '-----BEGIN PRIVATE KEY-----\nkey', KAFKA_SASL_PASSWORD: 'p' },
    )
    expect(databases[0]?.ssl).toEqual({ ca: '-----BEGIN CERTIFICATE-----\nca' })
    expect(kafka.ssl).toEqual({
      ca: '-----BEGIN CERTIFICATE-----\nca',
      servername: 'kafka',
      key: '-----BEGIN PRIVATE KEY-----\nkey',
    })
    expect(kafka.sasl).toEqual({ mechanism: 'plain', username: 'file', password: 'p' })
  })

  test('turns TLS and SASL on', async () => {
    await writeFile(join(folder, 'ca.pem'), '-----BEGIN CERTIFICATE-----\nCA\n')
    const config = await load(undefined, {
      DATABASE_URL: 'postgres://db/shop',
      DATABASE_SSL: 'true',
      KAFKA_SSL_CA: 'ca.pem',
      KAFKA_SSL_CERT: '-----BEGIN CERTIFICATE-----\nmine\n',
      KAFKA_SASL_MECHANISM: 'plain',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p',
    })
    expect(config.databases[0]?.ssl).toBe(true)
    expect(config.kafka).toMatchObject({
      ssl: { ca: '-----BEGIN CERTIFICATE-----\nCA\n', cert: '-----BEGIN CERTIFICATE-----\nmine\n' },
      sasl: { mechanism: 'plain', username: 'u', password: 'p' },
    })
    expect(
      (await load(`{ kafka: { ssl: true } }`, { KAFKA_SSL: 'false', KAFKA_SSL_CA: 'ca.pem' })).kafka.ssl,
    ).toBe(false)
  })

  test.each([
    [{ DATABASE_URL: 'shop' }, 'environment: DATABASE_URL: it is no URL'],
    [{ DATABASE_URL: 'postgres://h/%zz' }, 'environment: DATABASE_URL: it is no URL'],
    [{ DATABASE_URL: 'postgres://u:50%off@h/shop' }, 'environment: DATABASE_URL: it is no URL'],
    [{ KAFKA_BROKERS: 'k1' }, 'environment: KAFKA_BROKERS.0: host:port'],
    [{ LOG_LEVEL: 'loud' }, 'environment: LOG_LEVEL: '],
    [{ KAFKA_SSL: 'perhaps' }, 'environment: KAFKA_SSL: '],
    [{ KAFKA_SASL_USERNAME: 'u' }, 'KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'],
    [{ KAFKA_SSL_CA: 'no-such-file.pem' }, 'kafka.ssl.ca: ENOENT'],
  ] as const)('refuses %j', async (environment, problem) => {
    expect(await refusal(load(undefined, environment))).toContain(problem)
  })
})

test.each(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])(
  'the log has the level %s',
  async (level) => {
    expect((await load(undefined, { LOG_LEVEL: level })).log).toEqual({ level })
    expect((await load(undefined, {}, { logLevel: level })).log).toEqual({ level })
  },
)

describe('secrets', () => {
  test('are in no message', async () => {
    const secret = 'hunter2-secret'
    const messages = await Promise.all([
      refusal(load(`{ databases: [{ url: 'mysql://u:${secret}@db/x' }] }`)),
      refusal(load(`{ kafka: { sasl: { mechanism: '${secret}', username: 1, password: '${secret}' } } }`)),
      refusal(load(undefined, { DATABASE_URL: `postgres//u:${secret}@db` })),
      refusal(
        load(undefined, { DATABASE_URL: `postgres://u:${secret}@db/x?sslmode=require`, DATABASE_SSL: '1' }),
      ),
      refusal(load(`{ databases: [{ name: 'a', url: 'postgres://u:${secret}@db/x' }, { name: 'a' }] }`)),
    ])
    for (const message of messages) expect(message).not.toContain(secret)
  })
})

describe('databases', () => {
  test('with TLS in two places are refused: pg would drop the certificates', async () => {
    const source = `{ databases: [{ url: 'postgres://db/x?sslmode=require', ssl: true }] }`
    expect(await refusal(load(source))).toContain('databases.0: TLS is set by ssl')
  })

  test('need names that differ', async () => {
    const source = `{ databases: [{ url: 'postgres://one/shop' }, { url: 'postgres://two/shop' }] }`
    expect(await refusal(load(source))).toContain('databases.1.name: "shop" names two databases')
  })

  test('need names that give them variables of their own', async () => {
    const source = `{ databases: [{ name: 'shop-a' }, { name: 'shop_a' }] }`
    expect(await refusal(load(source))).toContain('share the variable DATABASE_URL_SHOP_A')
  })

  test('are chosen by name or by part', async () => {
    const config = await load(`{ databases: [
      { name: 'orders', url: 'postgres://db/orders', parts: ['outbox', 'saga'] },
      { name: 'stock', url: 'postgres://db/stock', parts: ['inbox'] },
      { name: 'all', url: 'postgres://db/all' },
      { name: 'unknown' },
    ] }`)
    const names = (chosen: readonly { name: string }[]): string[] => chosen.map(({ name }) => name)
    expect(names(chooseDatabases(config, { names: ['stock', 'orders'] }))).toEqual(['orders', 'stock'])
    expect(await refusal(attempt(() => chooseDatabases(config, { part: 'outbox' })))).toContain(
      '"unknown" has no url: set DATABASE_URL_UNKNOWN',
    )
    expect(await refusal(attempt(() => chooseDatabases(config, { names: ['ordes'] })))).toContain(
      'there is no "ordes" among orders, stock, all, unknown',
    )
    expect(chooseOrchestratorDatabase(config).name).toBe('orders')
  })

  const withSaga = `orchestrator: { sagas: [{ name: 'x', orchestrator: 'o', steps: [], graph: {} }]`
  const one = `{ name: 'one', url: 'postgres://db/one' }`
  const two = `{ name: 'two', url: 'postgres://db/two' }`
  const service = ['outbox', 'inbox', 'participant', 'audit']
  const all = ['outbox', 'inbox', 'participant', 'saga', 'timer', 'audit']

  test.each([
    ['one database, no orchestrator', `{ databases: [${one}] }`, [service], 'one'],
    ['one database, an orchestrator', `{ databases: [${one}], ${withSaga} } }`, [all], 'one'],
    ['two databases, no orchestrator', `{ databases: [${one}, ${two}] }`, [service, service], undefined],
    [
      'two, an orchestrator without one',
      `{ databases: [${one}, ${two}], ${withSaga} } }`,
      [service, service],
      undefined,
    ],
    [
      'two, an orchestrator that names one',
      `{ databases: [${one}, ${two}], ${withSaga}, database: 'two' } }`,
      [service, all],
      'two',
    ],
    [
      'two, one of which lists saga',
      `{ databases: [${one}, { name: 'two', url: 'postgres://db/two', parts: ['saga'] }], ${withSaga} } }`,
      [service, ['saga']],
      'two',
    ],
    [
      'two, one of which lists others',
      `{ databases: [${one}, { name: 'two', url: 'postgres://db/two', parts: ['inbox'] }], ${withSaga} } }`,
      [all, ['inbox']],
      'one',
    ],
  ])('%s: each database gets the parts that it needs', async (_, source, parts, orchestrators) => {
    const config = await load(source)
    expect(config.databases.map((database) => partsOf(config, database))).toEqual(parts)
    if (orchestrators === undefined)
      expect(await refusal(attempt(() => chooseOrchestratorDatabase(config)))).toContain(
        'orchestrator.database: name one of one, two',
      )
    else expect(chooseOrchestratorDatabase(config).name).toBe(orchestrators)
  })

  test('without file and address say what to do', async () => {
    const config = await load(undefined)
    await expect(attempt(() => chooseDatabases(config, {}))).rejects.toMatchObject({
      code: 'CONFIG_NOT_FOUND',
    })
  })
})
