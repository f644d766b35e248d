import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PageCode, pageCode, root } from './page-code.ts'

let code: PageCode
beforeAll(async () => {
  code = await pageCode('writing', { 'generated/prisma/client.ts': generatedClient })
})
afterAll(() => code.remove())

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
  expect(code.files.length).toBeGreaterThan(9)
  expect(code.files).toHaveLength(code.blocks)
})

test('the blocks compile', async () => {
  expect(await code.compile()).toEqual({ code: 0, output: '' })
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
    const row = code.text.split('\n').find((line) => line.startsWith(`| [${library}]`))
    expect(row, library).toMatch(new RegExp(`\\| ${devDependencies[name]?.replace(/\.\d+$/, '')} \\|$`))
  }
})
