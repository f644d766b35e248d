import { Client } from 'pg'
import { expect, inject, test } from 'vitest'
import { createDatabase, kafkaBrokers, uniqueName, uniqueTopicPrefix } from '../../support/services.ts'

const databases = async (): Promise<string[]> => {
  const client = new Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  const { rows } = await client.query<{ datname: string }>('select datname from pg_database')
  await client.end()
  return rows.map((row) => row.datname)
}

test('a database is new, migrated, and goes although somebody is still connected', async () => {
  const migrated: string[] = []
  const database = await createDatabase({
    migrate: async (url) => {
      migrated.push(url)
    },
  })
  expect(migrated).toEqual([database.url])
  const client = new Client({ connectionString: database.url })
  const cut = new Promise((resolve) => client.on('error', resolve))
  await client.connect()
  expect((await client.query('select current_database() as name')).rows).toEqual([{ name: database.name }])
  expect(await databases()).toContain(database.name)

  await database.drop()

  await cut
  expect(await databases()).not.toContain(database.name)
})

test('names are unique and fit for topics and databases', () => {
  const names = Array.from({ length: 1_000 }, () => uniqueName('base'))
  expect(new Set(names).size).toBe(1_000)
  for (const name of names) expect(name).toMatch(/^base_[a-z0-9]{10}$/)
  expect(uniqueTopicPrefix()).toMatch(/^t_[a-z0-9]{10}\.$/)
  expect(kafkaBrokers().length).toBeGreaterThan(0)
})
