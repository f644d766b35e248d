import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'
import {
  readRowsOfKey,
  readRowsOfTopic,
} from '../../../src/postgres/queries/quarantine/read-quarantined-rows.ts'
import { type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld({})
  await world.transport
    .admin()
    .createTopics([{ topic, partitions: 4, config: { 'max.message.bytes': '20000' } }])
})
afterEach(() => world.close())

const page = { rows: 1_000, bytes: 8_000_000 }
const act = { actor: 'ann', reason: 'settled by hand' }
/** Longer than any entry of an index (2,704 bytes), and nothing compresses it. */
const longText = (): string => randomBytes(4_500).toString('base64')
const parked = async (): Promise<number> =>
  (await createOutboxOperator({ database: world.pool }).list({ limit: 10_000 })).length

test('keys and topics of any length are parked, found, and let go of', async () => {
  const [key, ghost] = [longText(), longText()]
  await world.pool.query(
    `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
     values ($1, 'o-1', 't', 'ghost'), ('nowhere', $2, 't', 'nowhere'), ('order', $2, 't', $3), ('order', $2, 't', 'behind'), ('order', 'o-2', 't', 'flows')`,
    [ghost, key, 'x'.repeat(30_000)],
  )
  const relay = await world.relay()
  await until('four are parked', async () => (await parked()) === 4)
  await until('the other one flows', () => world.bodies().includes('flows'))
  expect(relay.health()).toMatchObject({ state: 'running' })
  const operator = createOutboxOperator({ database: world.pool })
  expect(await operator.list({ topic, key })).toMatchObject([
    { key, code: 'OUTBOX_RECORD_REFUSED' },
    { key, code: 'OUTBOX_KEY_PARKED' },
  ])
  expect(await operator.skip({ seqs: ['3'] }, act)).toMatchObject({ seqs: ['3'] })
  await until('the key goes on', () => world.bodies().includes('behind'))
  await until('two are left', async () => (await parked()) === 2)
})

test('the rows of a key and of a topic are found by the indexes of their digests', async () => {
  await world.pool.query(
    `insert into backstitch.outbox_quarantine
       (seq, shard, topic, id, aggregatetype, aggregateid, type, version, created_at, reason_code, reason)
     select g, 0, 'topic-' || g % 200, gen_random_uuid(), 'order', 'k-' || g / 200, 't', 1, now(), 'OUTBOX_TOPIC_UNKNOWN', ''
     from generate_series(1, 20000) g`,
  )
  await world.pool.query('analyze backstitch.outbox_quarantine')
  const planOf = async (text: string, values: unknown[]): Promise<string> => {
    const { rows } = await world.pool.query<{ 'QUERY PLAN': string }>(`explain ${text}`, values)
    return rows.map((row) => row['QUERY PLAN']).join('\n')
  }
  const ofKey = await planOf(readRowsOfKey('backstitch', page), ['topic-7', 'k-7', '-1'])
  expect(ofKey).toContain('outbox_quarantine_key')
  expect(ofKey).not.toContain('Seq Scan')
  const ofTopic = await planOf(readRowsOfTopic('backstitch', page), ['topic-7', 0])
  expect(ofTopic).toContain('outbox_quarantine_waiting')
  expect(ofTopic).not.toContain('Seq Scan')
})
