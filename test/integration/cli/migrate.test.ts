import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { assertSchema } from '../../../src/postgres/assert-schema.ts'
import { createDatabase, uniqueName } from '../../support/services.ts'
import { backstitch, startBackstitch } from './backstitch-process.ts'

let environment: Record<string, string>
let ordersUrl: string
let stockUrl: string
beforeAll(async () => {
  ordersUrl = (await createDatabase()).url
  stockUrl = (await createDatabase()).url
  environment = { DATABASE_URL_ORDERS: ordersUrl, DATABASE_URL_STOCK: stockUrl }
})

const onDatabase = async <Result>(
  url: string,
  work: (client: Client) => Promise<Result>,
): Promise<Result> => {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

describe('migrate', () => {
  test('gives each database of the configuration its parts, once', async () => {
    expect(await backstitch(['migrate'], environment)).toEqual({
      code: 0,
      out:
        'orders, schema backstitch: applied 0001-outbox, 0002-inbox, 0004-saga, 0005-timer, 0006-audit\n' +
        'stock, schema backstitch: applied 0001-outbox, 0002-inbox, 0003-participant, 0006-audit\n',
      err: '',
    })
    await onDatabase(ordersUrl, (pool) => assertSchema({ pool, parts: ['outbox', 'inbox', 'saga', 'timer'] }))
    await onDatabase(stockUrl, (pool) => assertSchema({ pool, parts: ['participant', 'inbox', 'outbox'] }))

    const again = await backstitch(['migrate', '-o', 'json', '--database', 'stock'], environment)
    expect(again.code).toBe(0)
    expect(JSON.parse(again.out)).toEqual([
      { database: 'stock', schema: 'backstitch', direction: 'up', migrations: [] },
    ])
  })

  test('takes parts and schema from the command line', async () => {
    const schema = uniqueName('cli')
    const words = ['migrate', '--parts', 'timer', '--schema', schema, '--database', 'orders']
    expect(await backstitch(words, environment)).toMatchObject({
      code: 0,
      out: `orders, schema ${schema}: applied 0005-timer\n`,
    })
  })

  test('down is refused until it is confirmed', async () => {
    const schema = uniqueName('cli')
    const words = ['--schema', schema, '--database', 'stock']
    await backstitch(['migrate', ...words], environment)
    const refused = await backstitch(['migrate', 'down', ...words], environment)
    expect(refused).toMatchObject({ code: 5, out: '' })
    expect(refused.err).toMatch(/^CONFIRMATION_MISSING: .* stock\. Repeat it with --yes/)
    expect(await backstitch(['migrate', 'down', '--yes', ...words], environment)).toMatchObject({
      code: 0,
      out: `stock, schema ${schema}: reverted 0003-participant, 0002-inbox, 0001-outbox\n`,
    })
  })

  test('prints SQL that another tool can run, without any database', async () => {
    const schema = uniqueName('cli')
    const { code, out } = await backstitch(['migrate', '--sql', '--schema', schema, '--database', 'stock'])
    expect(code).toBe(0)
    await onDatabase(stockUrl, async (client) => {
      await client.query(out)
      await assertSchema({ pool: client, schema, parts: ['participant', 'inbox', 'outbox'] })
    })
  })

  test('gives a database that lists no parts those of a service, and the orchestrator’s more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'backstitch-parts-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const shop = new URL('./shop/backstitch.config.ts', import.meta.url).href
    await writeFile(
      join(folder, 'backstitch.config.ts'),
      `import shop from '${shop}'
       export default { ...shop, databases: [{ name: 'orders' }, { name: 'stock' }], orchestrator: { ...shop.orchestrator, database: 'orders' } }`,
    )
    const schema = uniqueName('cli')
    const { code, out } = await startBackstitch(['migrate', '--schema', schema], { environment, folder })
      .ended
    expect({ code, out }).toEqual({
      code: 0,
      out:
        `orders, schema ${schema}: applied 0001-outbox, 0002-inbox, 0003-participant, 0004-saga, 0005-timer, 0006-audit\n` +
        `stock, schema ${schema}: applied 0001-outbox, 0002-inbox, 0003-participant, 0006-audit\n`,
    })
    const withoutConfig = { environment: { DATABASE_URL: stockUrl }, folder: tmpdir() }
    const alone = uniqueName('cli')
    expect((await startBackstitch(['migrate', '--schema', alone], withoutConfig).ended).out).toMatch(
      new RegExp(`schema ${alone}: applied 0001-outbox, 0002-inbox, 0003-participant, 0006-audit\n$`),
    )
  })

  test('that fails names the database, and says what was done before', async () => {
    const schema = uniqueName('cli')
    await onDatabase(stockUrl, async (client) => {
      await client.query(`create schema ${schema}`)
      await client.query(`create table ${schema}.inbox ()`)
    })
    const { code, out, err } = await backstitch(['migrate', '--schema', schema], environment)
    expect({ code, out }).toEqual({
      code: 1,
      out: `orders, schema ${schema}: applied 0001-outbox, 0002-inbox, 0004-saga, 0005-timer, 0006-audit\n`,
    })
    const { host, pathname } = new URL(stockUrl)
    expect(err).toMatch(/^MIGRATION_FAILED: /)
    expect(err).toContain(`${host}${pathname}: 0002-inbox in the schema ${schema}: relation "inbox"`)
    expect(err).toContain('(done before it: 0001-outbox)')
  })

  test('waits for a database that is not there yet, says so, and gives up in time', async () => {
    const closed = { ...environment, DATABASE_URL_STOCK: 'postgres://user:hunter2@127.0.0.1:1/stock' }
    const words = ['migrate', '--database', 'stock', '--wait', '500ms']
    const { code, out, err } = await backstitch(words, closed)
    expect({ code, out }).toEqual({ code: 1, out: '' })
    const [waiting, failure] = err.split('\n')
    expect(waiting).toBe('waiting for Postgres at 127.0.0.1:1/stock: connect ECONNREFUSED 127.0.0.1:1')
    expect(failure).toMatch(/^DATABASE_UNREACHABLE: .*127\.0\.0\.1:1\/stock.* Check its address/)
    expect(err).not.toContain('hunter2')
    expect(err).not.toMatch(/^ +at /m)
  })
})

describe('a command that cannot begin', () => {
  test.each([
    [['no-such-command'], 2, "error: unknown command 'no-such-command'"],
    [['migrate', '--no-such-option'], 2, "error: unknown option '--no-such-option'"],
    [['migrate', 'sideways'], 2, 'Allowed choices are up, down'],
    [['migrate', '--parts', 'outbocks'], 2, 'CONFIG_INVALID: '],
    [['migrate', '--database', 'nowhere'], 2, 'there is no "nowhere" among orders, stock'],
    [['migrate', '--config', 'nowhere.ts'], 2, 'CONFIG_NOT_FOUND: '],
    [['migrate'], 2, '"orders" has no url: set DATABASE_URL_ORDERS'],
    [['migrate', '--wait', 'long'], 2, 'CONFIG_INVALID: '],
    [['relay'], 2, '"orders" has no url: set DATABASE_URL_ORDERS'],
  ])('%j ends with %i', async (words, code, text) => {
    const result = await backstitch(words)
    expect(result.err).toContain(text)
    expect({ code: result.code, out: result.out }).toEqual({ code, out: '' })
  })

  test('outside of any configuration says what is missing', async () => {
    const { code, err } = await startBackstitch(['relay'], { folder: '/' }).ended
    expect({ code, err }).toEqual({
      code: 2,
      err: 'CONFIG_NOT_FOUND: No backstitch.config.ts was found. Nor is DATABASE_URL set. Run the command in the folder that holds it, or name it with --config.\n',
    })
  })

  test('prints causes and stack when asked to', async () => {
    const closed = { ...environment, DATABASE_URL_STOCK: 'postgres://127.0.0.1:1/stock' }
    const words = ['migrate', '--database', 'stock', '--wait', '1ms', '--verbose']
    expect((await backstitch(words, closed)).err).toMatch(/ECONNREFUSED[\s\S]* at .*explain-connection-error/)
  })
})

test('--version is that of the package, and --help names every command', async () => {
  expect((await backstitch(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  const { code, out } = await backstitch(['--help'])
  expect(code).toBe(0)
  for (const name of ['relay', 'orchestrator', 'migrate', 'topics', 'outbox', 'saga'])
    expect(out).toMatch(new RegExp(`^  ${name} `, 'm'))
})
