import { createServer } from 'node:net'
import { Pool, type PoolConfig } from 'pg'
import { expect, test } from 'vitest'
import { BackstitchError } from '../../../src/kernel/errors.ts'
import type { SqlExecutor } from '../../../src/kernel/sql-executor.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { serviceDatabase } from './service-database.ts'
import { until } from './topic-feed.ts'

const database = serviceDatabase()
/** All transactions share one connection. */
const single = serviceDatabase({ max: 1 })
const insert = (tx: SqlExecutor, name: string) => tx.query('insert into effect (name) values ($1)', [name])

async function pidOf(tx: SqlExecutor): Promise<number> {
  const { rows } = await tx.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]!.pid
}

async function codeOf(running: Promise<unknown>): Promise<unknown> {
  return running.then(
    () => 'nothing',
    (thrown: { code?: unknown }) => thrown.code,
  )
}

test('work is committed when it resolves, rolled back when it rejects', async () => {
  const { transaction } = pgDatabase(database.pool())
  expect(await transaction(async (tx) => (await insert(tx, 'kept'), 7))).toBe(7)
  const failure = new Error('no')
  await expect(transaction(async (tx) => (await insert(tx, 'gone'), Promise.reject(failure)))).rejects.toBe(
    failure,
  )
  expect(await database.effects()).toEqual(['kept'])
})

test('a swallowed error of a statement is no silent rollback', async () => {
  const { transaction } = pgDatabase(database.pool())
  const swallowing = transaction(async (tx) => {
    await insert(tx, 'swallowed')
    await tx.query('select 1 / 0').catch(() => undefined)
  })
  await expect(swallowing).rejects.toMatchObject({ code: 'TRANSACTION_ABORTED' })
  expect(await database.effects()).not.toContain('swallowed')
})

test('what is left of a failed work does nothing by itself, nor in the next transaction of its connection', async () => {
  const { transaction } = pgDatabase(single.pool())
  const gate = Promise.withResolvers<void>()
  let late: Promise<unknown> = Promise.resolve()
  const failing = transaction((tx) => {
    late = gate.promise.then(() => insert(tx, 'late'))
    return Promise.all([late, tx.query('select 1 / 0')])
  })
  expect(await codeOf(failing)).toBe('22012')
  await transaction(async (tx) => {
    await insert(tx, 'next')
    gate.resolve()
    expect(await codeOf(late)).toBe('TRANSACTION_ENDED')
  })
  expect(await single.effects()).toEqual(['next'])
})

test('nor is a statement run that comes once the work is done, whoever asks for it', async () => {
  const { transaction } = pgDatabase(database.pool())
  const kept = await transaction(async (tx) => {
    await insert(tx, 'in time')
    return tx
  })
  expect(await codeOf(insert(kept, 'too late'))).toBe('TRANSACTION_ENDED')
  const asked = Promise.withResolvers<unknown>()
  const client = kept as unknown as { query(text: string, done: (thrown: unknown) => void): unknown }
  void client.query('select 1', asked.resolve)
  expect(await asked.promise).toMatchObject({ code: 'TRANSACTION_ENDED' })
  expect(await database.effects()).not.toContain('too late')
})

test('an error of a statement passes as it is', async () => {
  const { transaction } = pgDatabase(database.pool())
  expect(await codeOf(transaction((tx) => tx.query('select 1 / 0')))).toBe('22012')
})

test.each([
  ['a killed backend', 'DATABASE_UNREACHABLE', 'select pg_terminate_backend(pg_backend_pid())'],
  [
    'a lost connection that the work noticed',
    'DATABASE_UNREACHABLE',
    `do $$ begin raise exception sqlstate '08006'; end $$`,
  ],
  ['a deadlock', 'TRANSACTION_CONFLICT', `do $$ begin raise exception sqlstate '40P01'; end $$`],
  ['a serialization failure', 'TRANSACTION_CONFLICT', `do $$ begin raise exception sqlstate '40001'; end $$`],
  ['a full disk', 'DATABASE_FAILING', `do $$ begin raise exception sqlstate '53100'; end $$`],
  ['a standby', 'DATABASE_IS_STANDBY', `do $$ begin raise exception sqlstate '25006'; end $$`],
])('%s is %s', async (_, code, statement) => {
  const { transaction } = pgDatabase(database.pool())
  expect(await codeOf(transaction((tx) => tx.query(statement)))).toBe(code)
  expect(await transaction(pidOf)).toBeGreaterThan(0) // the pool goes on
})

test('a deadlock is one as well where a library has wrapped its error', async () => {
  const { transaction } = pgDatabase(database.pool())
  const wrapping = transaction((tx) =>
    tx.query(`do $$ begin raise exception sqlstate '40P01'; end $$`).catch((cause: unknown) => {
      throw new Error('Failed query: do', { cause })
    }),
  )
  expect(await codeOf(wrapping)).toBe('TRANSACTION_CONFLICT')
})

test('whatever the work throws over a lost connection, the connection is the reason', async () => {
  const { transaction } = pgDatabase(database.pool())
  const confused = transaction(async (tx) => {
    await tx.query('select pg_terminate_backend(pg_backend_pid())').catch(() => undefined)
    throw new Error('customer not found')
  })
  expect(await codeOf(confused)).toBe('DATABASE_UNREACHABLE')
})

test('errors of other servers are the work’s own', async () => {
  const { transaction } = pgDatabase(database.pool())
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  await expect(transaction(() => Promise.reject(refused))).rejects.toBe(refused)
})

test('a server that refuses connections, or does not know the user or the database, is named without its password', async () => {
  const port = await unusedPort()
  const dead = new Pool({ connectionString: `postgres://me:secret@127.0.0.1:${port}/shop` })
  const failed = await pgDatabase(dead)
    .transaction(pidOf)
    .catch((thrown: unknown) => thrown as BackstitchError)
  expect(failed).toMatchObject({ code: 'DATABASE_UNREACHABLE' })
  expect(String(failed)).toContain(`127.0.0.1:${port}/shop`)
  expect(String(failed)).not.toContain('secret')
  const other = database.newPool({ database: 'no_such_database', connectionString: undefined, ...parts() })
  expect(await codeOf(pgDatabase(other).transaction(pidOf))).toBe('DATABASE_REFUSED')
})

test('a signal cuts the transaction, even in the middle of a statement', async () => {
  const { transaction } = pgDatabase(database.pool())
  const controller = new AbortController()
  const reason = new BackstitchError('HANDLER_FAILED', 'here')
  let pid = 0
  const cut = transaction(
    async (tx) => {
      await insert(tx, 'cut')
      pid = await pidOf(tx)
      setTimeout(() => controller.abort(reason), 20)
      await tx.query('select pg_sleep(60)')
    },
    { signal: controller.signal },
  )
  await expect(cut).rejects.toBe(reason)
  await database.rows('select pg_terminate_backend($1)', [pid]) // the server would notice after its sleep
  expect(await database.effects()).not.toContain('cut')
})

test('a signal cuts the rollback too, which waits behind a statement that the work has left running', async () => {
  const { transaction } = pgDatabase(database.pool())
  const controller = new AbortController()
  const reason = new BackstitchError('HANDLER_FAILED', 'here')
  let pid = 0
  const cut = transaction(
    async (tx) => {
      pid = await pidOf(tx)
      setTimeout(() => controller.abort(reason), 50)
      await Promise.all([tx.query('select pg_sleep(60)'), Promise.reject(new Error('no'))])
    },
    { signal: controller.signal },
  )
  await expect(cut).rejects.toBe(reason)
  await database.rows('select pg_terminate_backend($1)', [pid])
  expect(await transaction(pidOf)).not.toBe(pid)
})

test('a signal ends the wait for a client, and the client that comes late goes back', async () => {
  const pool = database.newPool({ max: 1 })
  const { transaction } = pgDatabase(pool)
  const hold = Promise.withResolvers<void>()
  const holding = transaction(() => hold.promise)
  const reason = new BackstitchError('STOP_DEADLINE_PASSED', 'here')
  await expect(transaction(pidOf, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  hold.resolve()
  await holding
  expect(await transaction(pidOf)).toBeGreaterThan(0)
  expect(pool.totalCount).toBe(1)
})

test('a transaction that is left idle is ended by the server, which is the work’s fault', async () => {
  const { transaction } = pgDatabase(database.pool())
  const idle = transaction(
    async (tx) => {
      const pid = await pidOf(tx)
      await until('the backend to go', async () => {
        const rows = await database.rows('select from pg_stat_activity where pid = $1', [pid])
        return rows.length === 0
      })
      await tx.query('select 1')
    },
    { idleMsMax: 50 },
  )
  expect(await codeOf(idle)).toBe('25P03')
})

test('the isolation can be chosen, whatever the connection’s default is', async () => {
  const pool = database.newPool({ options: '-c default_transaction_isolation=serializable' })
  const { transaction } = pgDatabase(pool)
  const level = async (tx: SqlExecutor) => (await tx.query('show transaction_isolation')).rows[0]
  expect(await transaction(level)).toEqual({ transaction_isolation: 'serializable' })
  expect(await transaction(level, { isolation: 'read committed', idleMsMax: 1_000 })).toEqual({
    transaction_isolation: 'read committed',
  })
})

test('a pool in pipeline mode works as well', async () => {
  const pool = database.newPool({ pipeline: true })
  const { transaction } = pgDatabase(pool)
  await transaction(async (tx) => Promise.all([insert(tx, 'p1'), insert(tx, 'p2')]), { idleMsMax: 1_000 })
  const failing = transaction(async (tx) => {
    await insert(tx, 'p3')
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect((await database.effects()).filter((name) => name.startsWith('p'))).toEqual(['p1', 'p2'])
})

test('idle clients that lose their connection do not end the process', async () => {
  const pool = database.newPool({ max: 2 })
  const { transaction } = pgDatabase(pool)
  pgDatabase(pool)
  expect(pool.listenerCount('error')).toBe(1)
  const pid = await transaction(pidOf)
  await database.rows('select pg_terminate_backend($1)', [pid])
  await until('the pool to notice', () => pool.totalCount === 0)
  expect(await transaction(pidOf)).not.toBe(pid)
})

function parts(): PoolConfig {
  const url = new URL(database.pool().options.connectionString!)
  return {
    host: url.hostname,
    port: Number(url.port),
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
  }
}

async function unusedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}
