import { Pool } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kafkajs } from '../../../src/kafka/kafkajs/index.ts'
import type { Finding } from '../../../src/runtime/doctor/finding.ts'
import { createDatabase, kafkaBrokers, uniqueTopicPrefix } from '../../support/services.ts'
import { backstitch, startBackstitch } from './backstitch-process.ts'

const topicPrefix = uniqueTopicPrefix()
let environment: Record<string, string>
let orders: Pool

beforeAll(async () => {
  const [one, other] = await Promise.all([createDatabase(), createDatabase()])
  environment = {
    DATABASE_URL_ORDERS: one.url,
    DATABASE_URL_STOCK: other.url,
    KAFKA_BROKERS: kafkaBrokers().join(','),
    TOPIC_PREFIX: topicPrefix,
  }
  orders = new Pool({ connectionString: one.url })
})
afterAll(() => orders.end())

async function doctor(...words: readonly string[]) {
  const { code, out, err } = await backstitch(['doctor', '--json', ...words], environment)
  expect(err).toBe('')
  const findings = JSON.parse(out) as Finding[]
  return {
    code,
    findings,
    of: (subject: string, check: string) =>
      findings.filter((finding) => finding.subject === subject && finding.check === check),
    wrong: findings
      .filter(({ verdict }) => verdict === 'wrong')
      .map(({ subject, check }) => `${subject} ${check}`),
  }
}

describe('doctor', () => {
  test('finds that nothing is there yet, and says what to do', async () => {
    const { code, of } = await doctor()
    expect(code).toBe(3)
    expect(of('orders', 'schema')).toMatchObject([
      { verdict: 'wrong', found: 'SCHEMA_MISSING', fix: expect.stringContaining('backstitch migrate') },
    ])
    expect(of(`${topicPrefix}order`, 'topic')).toMatchObject([
      { verdict: 'wrong', fix: expect.stringContaining('backstitch topics apply') },
    ])
  })

  test('finds nothing wrong once all is there', async () => {
    expect((await backstitch(['migrate'], environment)).code).toBe(0)
    expect((await backstitch(['topics', 'apply'], environment)).code).toBe(0)
    const { code, findings, wrong, of } = await doctor()
    expect({ code, wrong }).toEqual({ code: 0, wrong: [] })
    expect(of('orders', 'drift')).toMatchObject([{ verdict: 'ok', found: 'none' }])
    expect(of('stock', 'drift')).toMatchObject([{ verdict: 'ok' }])
    expect(of(`${topicPrefix}order`, 'copies')).toMatchObject([{ verdict: 'warn' }]) // one broker
    for (const { verdict, meaning, fix } of findings) {
      const explained = typeof meaning === 'string' && typeof fix === 'string'
      expect(explained).toBe(verdict !== 'ok')
    }
    // what it made to compare with is gone
    const { rows } = await orders.query(
      `select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where nspname like 'pg_temp%' and relkind in ('r', 'p')`,
    )
    expect(rows).toEqual([])
  })

  test('knows whether a relay works on the outbox, and finds a checkpoint that is of another database', async () => {
    const relayOf = async () => (await doctor('--database', 'orders')).of('orders', 'relay')
    expect(await relayOf()).toMatchObject([{ verdict: 'warn', found: 'none owns the outbox' }])
    const running = startBackstitch(['relay', '--database', 'orders'], { environment })
    await running.says('"msg":"started"')
    expect(await relayOf()).toMatchObject([{ verdict: 'ok', found: expect.stringMatching(/^owned by ./) }])
    running.process.kill('SIGTERM')
    expect((await running.ended).code).toBe(0)
    await orders.query('update backstitch.outbox_checkpoint set system_identifier = 7')
    expect(await relayOf()).toMatchObject([{ verdict: 'wrong', fix: expect.stringContaining('adopt') }])
    await orders.query(
      'update backstitch.outbox_checkpoint set system_identifier = (pg_control_system()).system_identifier',
    )
  })

  test('prints a table, and the fixes behind it', async () => {
    const { code, out } = await backstitch(['doctor', '--database', 'orders'], environment)
    expect(code).toBe(0)
    expect(out).toMatch(/^VERDICT +SUBJECT +CHECK +FOUND$/m)
    expect(out).toMatch(/^ok +orders +fsync +on$/m)
    expect(out).toMatch(/^ {2}fix: /m)
    expect(out).toMatch(/\d+ ok, \d+ warn, 0 wrong\n$/)
    expect(out).not.toMatch(/^ok +stock/m)
  })

  test('finds what somebody did to the tables', async () => {
    const harm = [
      'drop index backstitch.outbox_xid',
      'alter table backstitch.outbox add column note text',
      'alter table backstitch.outbox alter column version set default 2',
      'alter table backstitch.outbox_1 drop constraint outbox_own_xid',
      'alter table backstitch.outbox alter column seq set cache 20',
      `create function backstitch.meddle() returns trigger language plpgsql as 'begin return new; end'`,
      'create trigger meddle before insert on backstitch.outbox for each row execute function backstitch.meddle()',
    ]
    for (const statement of harm) await orders.query(statement)
    const { code, of } = await doctor('--database', 'orders')
    expect(code).toBe(3)
    const [broken, added] = of('orders', 'drift')
    expect(broken?.found).toContain('the index outbox_xid of outbox is missing')
    expect(broken?.found).toContain('the column outbox.version is "integer not null default 2" instead of')
    expect(added).toMatchObject({ verdict: 'warn', found: 'the column outbox.note is not ours' })
    expect(of('orders', 'own-xid')).toMatchObject([{ verdict: 'wrong', found: 'no check on outbox_1' }])
    expect(of('orders', 'sequence')).toMatchObject([{ verdict: 'warn', found: 'cache 20' }])
    expect(of('orders', 'interceptors')).toMatchObject([{ verdict: 'warn' }])
    // the fixes that it gives are statements
    const { fix = '' } = of('orders', 'own-xid')[0] ?? {}
    await orders.query(`set search_path = backstitch; ${fix}; reset search_path`)
    expect((await doctor('--database', 'orders')).of('orders', 'own-xid')).toMatchObject([{ verdict: 'ok' }])
  })

  test('finds what the user of the database may not do', async () => {
    const role = `doctor_${Date.now()}`
    await orders.query(`create role ${role} login password 'doctor'`)
    const url = new URL(environment['DATABASE_URL_ORDERS'] ?? '')
    url.username = role
    url.password = 'doctor'
    const limited = { ...environment, DATABASE_URL_ORDERS: url.href }
    const ask = async (): Promise<Finding[]> =>
      JSON.parse((await backstitch(['doctor', '--json', '--database', 'orders'], limited)).out) as Finding[]
    try {
      expect(await ask()).toContainEqual(
        expect.objectContaining({ subject: 'orders', check: 'rights', verdict: 'wrong' }),
      )
      await orders.query(
        `grant usage on schema backstitch to ${role}; grant select on all tables in schema backstitch to ${role}`,
      )
      const findings = await ask()
      const rights = findings.find(({ check }) => check === 'rights')
      expect(rights).toMatchObject({
        verdict: 'wrong',
        found: expect.stringContaining('insert on "backstitch".outbox'),
      })
      expect(findings.find(({ check }) => check === 'ownership')).toMatchObject({ verdict: 'warn' })
      expect(
        findings.find(({ check }) => check === 'fsync'),
        'the other checks go on',
      ).toMatchObject({ verdict: 'ok' })
    } finally {
      await orders.query(`drop owned by ${role}; drop role ${role}`)
    }
  })

  test('finds settings of a role that take commits back, and topics that lose records or are not there', async () => {
    const role = `hasty_${Date.now()}`
    await orders.query(`create role ${role}; alter role ${role} set synchronous_commit = off`)
    const admin = kafkajs({ brokers: kafkaBrokers() }).admin()
    await admin.createTopics([
      {
        topic: `${topicPrefix}parcel.command`,
        partitions: 1,
        config: {
          'cleanup.policy': 'compact',
          'retention.ms': '60000',
          'max.message.bytes': '1000',
          'message.timestamp.after.max.ms': '1000',
          'min.insync.replicas': '2',
        },
      },
    ])
    await admin.close()
    await orders.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type) values ('parcel.command', 'p', 't'), ('nowhere', 'n', 't')`,
    )
    try {
      const { of, wrong } = await doctor('--database', 'orders')
      expect(of('orders', 'synchronous_commit')).toMatchObject([
        {
          verdict: 'wrong',
          found: `on here, off for ${role}`,
          fix: `alter role ${role} reset synchronous_commit;`,
        },
      ])
      const topic = `${topicPrefix}parcel.command`
      expect(wrong).toEqual(
        expect.arrayContaining(
          ['cleanup', 'retention', 'timestamps', 'copies'].map((check) => `${topic} ${check}`),
        ),
      )
      expect(of(topic, 'message-size')).toMatchObject([{ verdict: 'warn' }])
      expect(of(`${topicPrefix}nowhere`, 'topic')).toMatchObject([
        { verdict: 'wrong', found: expect.stringContaining('the outbox has rows for it') },
      ])
    } finally {
      await orders.query(`drop role ${role}`)
    }
  })

  test('a server that does not answer is a finding, not the end', async () => {
    const away = {
      ...environment,
      DATABASE_URL_ORDERS: 'postgres://nobody@127.0.0.1:1/x',
      KAFKA_BROKERS: '127.0.0.1:1',
    }
    const { code, out } = await backstitch(['doctor', '--json'], away)
    expect(code).toBe(3)
    const findings = JSON.parse(out) as Finding[]
    expect(findings).toContainEqual(
      expect.objectContaining({ subject: 'orders', check: 'connection', verdict: 'wrong' }),
    )
    expect(findings).toContainEqual(
      expect.objectContaining({ subject: 'kafka', check: 'brokers', verdict: 'wrong' }),
    )
    expect(findings.some(({ subject, verdict }) => subject === 'stock' && verdict === 'ok')).toBe(true)
    expect(out).not.toContain('nobody@')
  })
})
