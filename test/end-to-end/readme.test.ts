import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from '../../src/postgres/migrate.ts'
import { createDatabase, kafkaBrokers, uniqueName } from '../support/services.ts'

// The README's code is what people copy: each block is compiled as strictly as an application would, and run on real servers.
const root = fileURLToPath(new URL('../../', import.meta.url))
const folder = `${root}.cache/readme/`
let blocks: { file: string; code: string }[]

beforeAll(async () => {
  const readme = await readFile(`${root}README.md`, 'utf8')
  blocks = [...readme.matchAll(/```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g)].map(([, code = '', file = '']) => ({
    file,
    code,
  }))
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  // tests share one broker and its topics: a group of its own reads them from the beginning
  for (const { file, code } of blocks)
    await writeFile(folder + file, code.replace(`group: 'billing'`, `group: '${uniqueName('billing')}'`))
  await writeFile(
    `${folder}tsconfig.json`,
    JSON.stringify({
      compilerOptions: {
        target: 'es2024',
        module: 'nodenext',
        customConditions: ['backstitch-source'],
        types: ['node'],
        strict: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        noEmit: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
      },
      include: ['*.ts'],
    }),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

test('every TypeScript block of the README names its file, and is found here', async () => {
  const readme = await readFile(`${root}README.md`, 'utf8')
  expect(blocks.map(({ file }) => file)).toEqual(['orders.ts', 'place-order.ts'])
  expect(readme.match(/```ts\n/g)).toHaveLength(blocks.length)
})

test('the blocks compile', async () => {
  expect(await run(`${root}node_modules/.bin/tsc`, ['-p', folder])).toEqual({ code: 0, output: '' })
})

test('the shell blocks name scripts that exist', async () => {
  const readme = await readFile(`${root}README.md`, 'utf8')
  const { scripts } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
    scripts: Record<string, string>
  }
  const named = [...readme.matchAll(/npm (?:run )?(demo|test|bench)\b/g)].map(([, script = '']) => script)
  expect(named.length).toBeGreaterThan(2)
  for (const script of named) expect(scripts).toHaveProperty(script)
})

test('the first block places an order, and its invoice is written', async () => {
  const { url } = await createDatabase()
  const pool = new Pool({ connectionString: url })
  try {
    await pool.query(
      'create table orders (order_id uuid, total integer); create table invoices (order_id uuid, amount integer)',
    )
    const until = async (): Promise<boolean> =>
      (await pool.query('select from invoices join orders using (order_id)')).rowCount === 1
    await runUntil('orders.ts', { DATABASE_URL: url, KAFKA_BROKERS: kafkaBrokers().join(',') }, until)
    const { rows } = await pool.query(
      'select o.total, i.amount from orders as o join invoices as i using (order_id)',
    )
    expect(rows).toEqual([{ total: 4200, amount: 4200 }])
  } finally {
    await pool.end()
  }
})

test('the second block defines a saga that starts', async () => {
  const { url } = await createDatabase({
    migrate: async (database) => {
      const pool = new Pool({ connectionString: database })
      await migrate({ database: pool, parts: ['outbox', 'inbox', 'saga', 'timer'] })
      await pool.end()
    },
  })
  await writeFile(
    `${folder}start.ts`,
    `import pg from 'pg'
import { placeOrder } from './place-order.ts'
const client = new pg.Client({ connectionString: process.env.DATABASE_URL })
await client.connect()
await client.query('begin')
await placeOrder.start(client, { orderId: '0198a1b2-0000-7000-8000-000000000001', sku: 'MUG', total: 1250 })
await client.query('commit')
process.exit(0)
`,
  )
  const pool = new Pool({ connectionString: url })
  try {
    const until = async (): Promise<boolean> =>
      (await pool.query('select from backstitch.saga_instance')).rowCount === 1
    await runUntil('start.ts', { DATABASE_URL: url, KAFKA_BROKERS: kafkaBrokers().join(',') }, until)
    const { rows } = await pool.query('select aggregatetype, type, saga_step from backstitch.outbox')
    expect(rows).toEqual([{ aggregatetype: 'stock.command', type: 'stock.reserve', saga_step: 'reserve' }])
  } finally {
    await pool.end()
  }
})

/** Runs a file of the README until the condition holds, and fails with its output when it ends with an error or nothing comes of it in 40 s. */
async function runUntil(
  file: string,
  env: Record<string, string>,
  until: () => Promise<boolean>,
): Promise<void> {
  const child = spawn(process.execPath, ['--conditions=backstitch-source', folder + file], {
    env: { ...process.env, ...env },
  })
  let output = ''
  child.stdout.on('data', (text: Buffer) => (output += text.toString()))
  child.stderr.on('data', (text: Buffer) => (output += text.toString()))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  const deadline = Date.now() + 40_000
  try {
    while (!(await until())) {
      if ((child.exitCode ?? 0) !== 0 || Date.now() > deadline)
        throw new Error(`${file} did not do its work: ${output}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  } finally {
    child.kill('SIGKILL')
    await exited
  }
}

function run(command: string, argv: string[]): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(command, argv, { cwd: root })
    let output = ''
    child.stdout.on('data', (text: Buffer) => (output += text.toString()))
    child.stderr.on('data', (text: Buffer) => (output += text.toString()))
    child.once('exit', (code) => resolve({ code, output }))
  })
}
