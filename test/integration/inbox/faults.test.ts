import { expect, test } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { event } from '../../../src/message/event.ts'
import { createConsumer, type ConsumerOptions } from '../../../src/runtime/create-consumer.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { keptLines } from '../../unit/inbox/log-lines.ts'
import { uniqueName } from '../../support/services.ts'
import { serviceDatabase } from './service-database.ts'
import { publish, started, until, untilDrained } from './topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
const topic = 'outbox.event.order'
const type = 'order.placed'
const database = serviceDatabase()

function consumer(
  options: Partial<ConsumerOptions> & Pick<ConsumerOptions, 'transport' | 'handlers' | 'group'>,
) {
  return createConsumer({
    database: database.pool(),
    retry: { attemptsMax: 3, backoff: { initialMs: 1, maxMs: 2, factor: 2 } },
    ...options,
  })
}

async function transportWith(names: readonly string[], ids: readonly string[] = []) {
  const transport = inMemoryTransport({ topics: { [topic]: 1 } })
  const published = await publish(
    transport,
    names.map((name, index) => ({ topic, type, value: { name }, ...(ids[index] && { id: ids[index] }) })),
  )
  return { transport, ids: published }
}

async function effectsOf(prefix: string): Promise<string[]> {
  return (await database.effects()).filter((name) => name.startsWith(prefix))
}

async function deadLettersOf(group: string): Promise<Record<string, unknown>[]> {
  return database.rows('select message_id from backstitch.dead_letter where consumer_group = $1', [group])
}

test('a connection that is lost in the handler is an outage the first time', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const { transport } = await transportWith([name])
  const { logger, lines } = keptLines()
  const attempts: number[] = []
  const handler = on(Placed, async ({ body }, { tx, attempt }) => {
    attempts.push(attempt)
    await tx.query('insert into effect (name) values ($1)', [body.name])
    if (attempts.length < 2) await tx.query('select pg_terminate_backend(pg_backend_pid())')
  })
  const retry = { attemptsMax: 1, backoff: { initialMs: 1, maxMs: 2, factor: 2 } }
  const part = consumer({ transport, group, handlers: [handler], logger, retry })
  await started(part)
  await until('the health to say so', () => part.health().state === 'failing')
  expect(part.health().reason).toContain('DATABASE_UNREACHABLE')
  await untilDrained(transport, group, topic)
  expect(attempts).toEqual([1, 1])
  expect(await effectsOf(name)).toEqual([name])
  expect(await deadLettersOf(group)).toEqual([])
  expect(part.health()).toEqual({ state: 'running' })
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([
    { fields: { topic, partition: 0, offset: '0', code: 'DATABASE_UNREACHABLE' } },
  ])
})

test.each([
  ['ends its own server process each time', 'select pg_terminate_backend(pg_backend_pid())', 4],
  ['writes in a read-only transaction', 'set transaction read only; create table never (id integer)', 3],
  ['asks for a file that is not there', `select pg_read_file('no-such-file')`, 3],
  ['fills the table of locks', 'select lock_all()', 3],
])('a message whose handler %s becomes a dead letter, and the partition goes on', async (_, sql, calls) => {
  const bad = uniqueName('a')
  const good = uniqueName('b')
  const group = uniqueName('group')
  await database.rows(`create or replace function lock_all() returns void language plpgsql as $$ begin
    raise exception using errcode = '53200', message = 'out of shared memory';
  end $$`)
  const { transport, ids } = await transportWith([bad, good])
  let called = 0
  const handler = on(Placed, async ({ body }, { tx }) => {
    await tx.query('insert into effect (name) values ($1)', [body.name])
    if (body.name !== bad) return
    called++
    await tx.query(sql)
  })
  await started(consumer({ transport, group, handlers: [handler] }))
  await untilDrained(transport, group, topic)
  expect(called).toBe(calls)
  expect(await effectsOf(good)).toEqual([good])
  expect(await deadLettersOf(group)).toEqual([{ message_id: ids[0] }])
})

test('the other partitions go on while one waits', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const transport = inMemoryTransport({ topics: { [topic]: 2 } })
  await publish(transport, [
    { topic, type, partition: 0, value: { name: `${name}stuck` } },
    { topic, type, partition: 1, value: { name } },
  ])
  const handler = on(Placed, async ({ body }, { tx }) => {
    if (body.name.endsWith('stuck')) await tx.query('select pg_terminate_backend(pg_backend_pid())')
    await tx.query('insert into effect (name) values ($1)', [body.name])
  })
  await started(consumer({ transport, group, handlers: [handler] }))
  await until(
    'the second partition',
    async () => (await transport.admin().groupOffsets(group, topic))[1] === 1n,
  )
  expect(await effectsOf(name)).toEqual([name])
})

test('a commit whose answer is lost is not done twice', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const { transport } = await transportWith([name])
  let calls = 0
  const pool = database.newPool({ max: 1 })
  let answersLost = 0
  // The server commits, and then the connection breaks before the answer is heard.
  pool.once('acquire', (client) => {
    const { query } = client
    client.query = async function (this: typeof client, ...args: unknown[]) {
      const result = await (query as (...all: unknown[]) => Promise<unknown>).apply(this, args)
      if (args[0] !== 'commit') return result
      answersLost += 1
      const lost = new Error('Connection terminated unexpectedly')
      client.emit('error', lost)
      throw lost
    } as typeof client.query
  })
  const handler = on(Placed, async ({ body }, { tx }) => {
    calls += 1
    await tx.query('insert into effect (name) values ($1)', [body.name])
  })
  await started(consumer({ transport, group, handlers: [handler], database: pool }))
  await untilDrained(transport, group, topic)
  expect({ calls, answersLost }).toEqual({ calls: 1, answersLost: 1 })
  expect(await effectsOf(name)).toEqual([name])
})

test('deadlocks are tried again at once, and not counted', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const { transport } = await transportWith([name])
  const attempts: number[] = []
  const handler = on(Placed, async ({ body }, { tx, attempt }) => {
    attempts.push(attempt)
    if (attempts.length < 6) await tx.query(`do $$ begin raise exception sqlstate '40P01'; end $$`)
    await tx.query('insert into effect (name) values ($1)', [body.name])
  })
  await started(consumer({ transport, group, handlers: [handler] }))
  await untilDrained(transport, group, topic)
  expect(attempts).toEqual([1, 1, 1, 1, 1, 1])
  expect(await effectsOf(name)).toEqual([name])
})

test('a dead letter claims its message: a zombie’s late retry cannot apply it as well (E35)', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const one = await transportWith([name])
  const other = await transportWith([name], one.ids)
  const late = Promise.withResolvers<void>()
  const zombieCalls: number[] = []
  // The zombie has failed once, and is still waiting to try again when its partition has long gone to another member.
  const zombie = consumer({
    transport: one.transport,
    group,
    retry: { attemptsMax: 5, backoff: { initialMs: 60_000, maxMs: 60_000, factor: 1 } },
    handlers: [
      on(Placed, async ({ body }, { tx, attempt }) => {
        zombieCalls.push(attempt)
        if (attempt === 1) {
          late.resolve()
          throw new Error('the zombie fails once')
        }
        await tx.query('insert into effect (name) values ($1)', [body.name])
      }),
    ],
  })
  await zombie.start()
  await late.promise
  await started(
    consumer({
      transport: other.transport,
      group,
      handlers: [on(Placed, () => Promise.reject(new Error('poison')))],
    }),
  )
  await untilDrained(other.transport, group, topic)
  expect(await deadLettersOf(group)).toEqual([{ message_id: one.ids[0] }])
  // Its retry: the same message, in a process that would apply it.
  await zombie.stop()
  const retrying = consumer({
    transport: one.transport,
    group,
    handlers: [
      on(Placed, async ({ body }, { tx }) => {
        zombieCalls.push(2)
        await tx.query('insert into effect (name) values ($1)', [body.name])
      }),
    ],
  })
  await started(retrying)
  await untilDrained(one.transport, group, topic)
  expect(zombieCalls).toEqual([1])
  expect(await effectsOf(name)).toEqual([])
})

test('and the other way round: what a zombie is applying cannot become a dead letter', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const one = await transportWith([name])
  const other = await transportWith([name], one.ids)
  const inside = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const { logger, lines } = keptLines()
  const zombie = consumer({
    transport: one.transport,
    group,
    handlers: [
      on(Placed, async ({ body }, { tx }) => {
        await tx.query('insert into effect (name) values ($1)', [body.name])
        inside.resolve()
        await finish.promise
      }),
    ],
  })
  // Would reject the message at every try, but its claim waits for the zombie’s transaction.
  const successor = consumer({
    transport: other.transport,
    group,
    handlers: [on(Placed, () => Promise.reject(new Error('poison')))],
    logger,
  })
  await started(zombie)
  await inside.promise
  await started(successor)
  await until('the successor to wait for the zombie', async () => {
    const [row] = await database.rows<{ waiting: string }>(
      `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return row?.waiting !== '0'
  })
  finish.resolve()
  await untilDrained(other.transport, group, topic)
  expect(await effectsOf(name)).toEqual([name])
  expect(await deadLettersOf(group)).toEqual([])
  expect(lines.map(({ message }) => message)).toContain('passed over a message that was handled before')
})

test('tables that go away hold the partition until they are back', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const { transport } = await transportWith([name])
  const handler = on(Placed, async ({ body }, { tx }) => {
    await tx.query('insert into effect (name) values ($1)', [body.name])
  })
  const part = consumer({ transport, group, handlers: [handler] })
  await database.rows('alter table backstitch.inbox rename to inbox_away')
  await started(part)
  await until('the health to say so', () => part.health().reason?.includes('SCHEMA_MISSING') === true)
  await database.rows('alter table backstitch.inbox_away rename to inbox')
  await untilDrained(transport, group, topic)
  expect(await effectsOf(name)).toEqual([name])
  expect(await deadLettersOf(group)).toEqual([])
})

test('a handler that hangs is cut, and its late statements change nothing', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const { transport } = await transportWith([name])
  const lateErrors: unknown[] = []
  const handler = on(Placed, async ({ body }, { tx, attempt, signal }) => {
    if (attempt > 1) {
      await tx.query('insert into effect (name) values ($1)', [`${body.name}good`])
      return
    }
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    await tx
      .query('insert into effect (name) values ($1)', [`${body.name}late`])
      .catch((thrown: unknown) => lateErrors.push(thrown))
  })
  await started(consumer({ transport, group, handlers: [handler], handlerTimeoutMs: 200 }))
  await untilDrained(transport, group, topic)
  await until('the late statement to fail', () => lateErrors.length === 1)
  expect(await effectsOf(name)).toEqual([`${name}good`])
})

test('the server ends the transaction of a frozen process, so that its claim does not outlive it', async () => {
  const name = uniqueName('a')
  const group = uniqueName('group')
  const { transport } = await transportWith([name])
  let settings: unknown
  const handler = on(Placed, async (_, { tx }) => {
    settings = (await tx.query('show idle_in_transaction_session_timeout')).rows[0]
  })
  await started(consumer({ transport, group, handlers: [handler], handlerTimeoutMs: 5_000 }))
  await untilDrained(transport, group, topic)
  expect(settings).toEqual({ idle_in_transaction_session_timeout: '10s' })
})
