import { Pool } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createDatabase, kafkaBrokers } from '../../support/services.ts'
import { backstitch, type CommandResult } from './backstitch-process.ts'

let environment: Record<string, string>
let pool: Pool
beforeAll(async () => {
  const { url } = await createDatabase()
  environment = {
    DATABASE_URL_ORDERS: url,
    DATABASE_URL_STOCK: url,
    KAFKA_BROKERS: kafkaBrokers().join(','),
    TOPIC_PREFIX: 'unused.',
  }
  pool = new Pool({ connectionString: url })
  expect((await backstitch(['migrate', '--database', 'orders'], environment)).code).toBe(0)
})
afterAll(() => pool.end())

const outbox = (...words: string[]): Promise<CommandResult> =>
  backstitch(['outbox', ...words, '--database', 'orders'], environment)

test('the number of shards is changed with a reason, which the audit trail keeps', async () => {
  expect(await outbox('shards', '4')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--reason') as string,
  })
  expect(await outbox('shards', '4', '--reason', 'more relays', '--dry-run')).toMatchObject({
    code: 0,
    out: 'orders: the outbox would have 4 shard(s), before 1; 0 row(s) would be published again\n',
  })
  expect(await outbox('shards', '4', '--reason', 'more relays', '--actor', 'ann')).toMatchObject({
    code: 0,
    out: 'orders: the outbox has 4 shard(s), before 1; 0 row(s) are published again\n',
  })
  const { rows } = await pool.query('select actor_id, verb, reason from backstitch.audit_entry')
  expect(rows).toEqual([{ actor_id: 'ann', verb: 'outbox shards', reason: 'more relays' }])
})

test('an outbox of this very cluster is not adopted, and one of another is, with a report of what was done', async () => {
  await pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'k', 't', 'waits')`,
  )
  const refused = await outbox('adopt', '--reason', 'restored')
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('OUTBOX_NOT_RESTORED')
  await pool.query('update backstitch.outbox_checkpoint set system_identifier = 42')
  const dry = await outbox('adopt', '--reason', 'restored', '--dry-run')
  expect(dry.out).toContain('1 unpublished row(s) would be written anew')
  expect(dry.out).toContain('nothing was changed')
  const adopted = await outbox('adopt', '--reason', 'restored', '-o', 'json')
  expect(JSON.parse(adopted.out)).toMatchObject({
    database: 'orders',
    dryRun: false,
    from: '42',
    shards: 4,
    unpublished: 1,
    published: 0,
    parked: 0,
  })
  const { rows } = await pool.query(
    `select shard, owner, previous::text from backstitch.outbox_checkpoint order by shard`,
  )
  expect(rows).toEqual([0, 1, 2, 3].map((shard) => ({ shard, owner: null, previous: '1:1:' })))
})
