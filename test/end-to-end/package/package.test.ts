import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueName } from '../../support/services.ts'
import { emptyProject, type EmptyProject } from './empty-project.ts'

// The package as a user has it: packed, installed beside nothing but what the README says, and run without a step of compilation.
let project: EmptyProject
beforeAll(async () => {
  project = await emptyProject()
}, 240_000)
afterAll(() => project?.remove())

const readmeBlock = async (): Promise<string> => {
  const readme = await readFile(join(project.folder, 'node_modules/backstitch/README.md'), 'utf8')
  const [, code] = /```ts\n(\/\/ orders\.ts\n[\s\S]*?)```/.exec(readme) ?? []
  if (code === undefined) throw new Error('the README has no block orders.ts')
  return code
}

test('the optional peers that were not asked for are not there, and the types of its subpaths are', async () => {
  expect(existsSync(join(project.folder, 'node_modules/knex'))).toBe(false)
  const files = await readdir(join(project.folder, 'node_modules/backstitch/dist'), { recursive: true })
  for (const entry of ['index', 'postgres/index', 'kafka/kafkajs/index', 'testing/index'])
    for (const ending of ['js', 'd.ts']) expect(files).toContain(`src/${entry}.${ending}`)
  expect(files.filter((file) => /\.test\.|^(test|demo|bench|sagas)\//.test(file))).toEqual([])
})

test.each(['the oldest Node of its engines', 'the Node of this project'])(
  'the README’s first example runs with %s, as it is written, and its invoice is there',
  async (which) => {
    const node = which.startsWith('the oldest') ? project.oldestNode : process.execPath
    const { output } = await project.run(node, ['--version'])
    if (which.startsWith('the oldest')) expect(output.trim()).toBe(`v${project.oldestVersion}`)
    // the group is the test’s own, for the broker is shared
    const code = await readmeBlock()
    expect(code).toContain(`group: 'billing'`)
    await project.write('orders.ts', code.replace(`group: 'billing'`, `group: '${uniqueName('billing')}'`))
    const { url } = await createDatabase()
    const pool = new Pool({ connectionString: url })
    try {
      await pool.query(
        'create table orders (order_id uuid, total integer); create table invoices (order_id uuid, amount integer)',
      )
      const result = await project.run(node, ['orders.ts'], {
        node,
        environment: { DATABASE_URL: url, KAFKA_BROKERS: kafkaBrokers().join(',') },
        until: async () =>
          ((await pool.query('select from orders join invoices using (order_id) where amount = total'))
            .rowCount ?? 0) > 0,
      })
      // it reads its topic and goes on for ever; an end of its own would be an error
      expect(result, result.output).toMatchObject({ held: true })
      expect(result.output.replaceAll(/.*ExperimentalWarning.*\n|.*--trace-warnings.*\n/g, '')).toBe('')
    } finally {
      await pool.end()
    }
  },
)

test('npx backstitch --help prints the commands and ends with 0', async () => {
  for (const node of [project.oldestNode, process.execPath]) {
    const { code, output } = await project.run('npx', ['--no-install', 'backstitch', '--help'], { node })
    expect({ code, output }).toMatchObject({ code: 0 })
    for (const command of ['migrate', 'topics', 'relay', 'orchestrator', 'outbox', 'saga'])
      expect(output).toMatch(new RegExp(`^  ${command}\\b`, 'm'))
  }
})

test('npx backstitch relay without a configuration ends with 2 and says what is missing', async () => {
  const { code, output } = await project.run('npx', ['--no-install', 'backstitch', 'relay'])
  expect(code).toBe(2)
  expect(output).toMatch(/^CONFIG_NOT_FOUND: /m)
})

test('the example compiles as strictly as can be, and with it all of our declarations', async () => {
  await project.write('orders.ts', await readmeBlock())
  await project.write(
    'everything.ts',
    ['', '/postgres', '/kafkajs', '/testing']
      .map((path) => `export type * from 'backstitch${path}'\n`)
      .join(''),
  )
  await project.write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        target: 'es2024',
        module: 'nodenext',
        types: ['node'],
        strict: true,
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        noEmit: true,
        skipLibCheck: false,
      },
      files: ['orders.ts', 'everything.ts'],
    }),
  )
  const tsc = join(import.meta.dirname, '../../../node_modules/.bin/tsc')
  expect(await project.run(tsc, ['-p', project.folder])).toMatchObject({ code: 0, output: '' })
})
