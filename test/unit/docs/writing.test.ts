import { spawn } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Each block of the page is a file that its readers may copy: all of them are compiled, as strictly as an application would.
const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = `${root}.cache/writing/`
let page: string

beforeAll(async () => {
  page = await readFile(`${root}docs/writing.md`, 'utf8')
  await rm(folder, { recursive: true, force: true })
  await mkdir(`${folder}generated/prisma`, { recursive: true })
  for (const [, code = '', file = ''] of page.matchAll(/```ts\n(\/\/ (\S+\.ts)\n[\s\S]*?)```/g))
    await writeFile(folder + file, code)
  await writeFile(`${folder}generated/prisma/client.ts`, generatedClient)
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
      include: ['**/*.ts'],
    }),
  )
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What `prisma generate` makes of a model `Order`, as far as the page uses it. */
const generatedClient = `import type { ITXClientDenyList } from '@prisma/client/runtime/client'
export type PrismaClient = {
  readonly order: { create(values: { data: { orderId: string; total: number } }): Promise<unknown> }
  $connect(): Promise<void>
  $disconnect(): Promise<void>
  $queryRawUnsafe<T = unknown>(query: string, ...values: any[]): Promise<T>
  $transaction<R>(work: (tx: Omit<PrismaClient, ITXClientDenyList>) => Promise<R>): Promise<R>
}`

test('every block names its file', () => {
  const named = page.match(/```ts\n\/\/ \S+\.ts\n/g) ?? []
  expect(named.length).toBeGreaterThan(9)
  expect(page.match(/```ts\n/g)).toHaveLength(named.length)
})

test('the blocks compile', async () => {
  expect(await compile()).toEqual({ code: 0, output: '' })
})

test('the versions are those that the tests run with', async () => {
  const { devDependencies } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
    devDependencies: Record<string, string>
  }
  for (const [name, library] of [
    ['pg', '`pg`'],
    ['knex', 'knex'],
    ['kysely', 'Kysely'],
    ['drizzle-orm', 'Drizzle'],
    ['postgres', 'postgres.js'],
    ['@prisma/client', 'Prisma'],
    ['typeorm', 'TypeORM'],
  ] as const) {
    const row = page.split('\n').find((line) => line.startsWith(`| [${library}]`))
    expect(row, library).toMatch(new RegExp(`\\| ${devDependencies[name]?.replace(/\.\d+$/, '')} \\|$`))
  }
})

function compile(): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(`${root}node_modules/.bin/tsc`, ['-p', folder])
    let output = ''
    child.stdout.on('data', (text: Buffer) => (output += text.toString()))
    child.stderr.on('data', (text: Buffer) => (output += text.toString()))
    child.once('exit', (code) => resolve({ code, output }))
  })
}
