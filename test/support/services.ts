import { randomBytes } from 'node:crypto'
import { Client, escapeIdentifier } from 'pg'
import { afterAll, inject } from 'vitest'

/** A database of one test file. */
export interface TestDatabase {
  name: string
  url: string
  /** Drops it now; otherwise it is dropped when the file's tests and hooks have ended. */
  drop(): Promise<void>
}

const undropped = new Set<TestDatabase>()

// registered when a test file imports this module, so it runs after that file's own hooks have closed their pools
afterAll(async () => {
  for (const database of undropped) await database.drop()
})

/** `base_` and ten random characters of a-z and 0-9: fit for databases, schemas, groups and topics. */
export function uniqueName(base = 't'): string {
  const random = [...randomBytes(10)].map((byte) => (byte % 36).toString(36)).join('')
  return `${base}_${random}`
}

/** A topic prefix of this call alone, for the `topicPrefix` settings: tests share one broker. */
export function uniqueTopicPrefix(): string {
  return `${uniqueName()}.`
}

/** The shared Kafka of this run. */
export function kafkaBrokers(): string[] {
  return inject('kafkaBrokers')
}

/**
 * A new, empty database on the shared Postgres of this run, dropped at the end of the test file (by force, should a
 * connection have been left open).
 *
 * @example const { url } = await createDatabase({ migrate: (url) => migrateUp(url) })
 */
export async function createDatabase(
  options: { migrate?: (url: string) => Promise<void> } = {},
): Promise<TestDatabase> {
  const name = uniqueName('test')
  await onServer((client) => client.query(`create database ${escapeIdentifier(name)}`))
  const url = new URL(inject('postgresUrl'))
  url.pathname = `/${name}`
  const database: TestDatabase = {
    name,
    url: url.href,
    drop: async () => {
      undropped.delete(database)
      await dropDatabase(name)
    },
  }
  undropped.add(database)
  await options.migrate?.(database.url)
  return database
}

/** A connection that was closed is gone from the server after milliseconds; one that is still there after this long was left open. */
const closingMsMax = 500

/**
 * A pool has ended before the server knows that its connections are closed, and cutting one of them off would be an error that nobody
 * listens for. So the server is given a moment; what was left open is then cut off.
 */
async function dropDatabase(name: string): Promise<void> {
  await onServer(async (client) => {
    const deadline = performance.now() + closingMsMax
    for (;;) {
      const inUse = await client.query('select from pg_stat_activity where datname = $1', [name])
      if (inUse.rowCount === 0 || performance.now() > deadline) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await client.query(`drop database if exists ${escapeIdentifier(name)} with (force)`)
  })
}

async function onServer(work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: inject('postgresUrl') })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
