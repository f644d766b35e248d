import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createOutboxOperator } from '../../../src/runtime/outbox-operator.ts'
import { type RelayWorld, relayWorld, topic, until } from './relay-world.ts'

let world: RelayWorld
beforeEach(async () => {
  world = await relayWorld({})
  await world.transport
    .admin()
    .createTopics([{ topic, partitions: 4, config: { 'max.message.bytes': '2000' } }])
})
afterEach(() => world.close())

const large = 'x'.repeat(3_000)
const act = { actor: 'ann', reason: 'the limit was raised' }
const parkedSeqs = async (): Promise<string[]> =>
  (await createOutboxOperator({ database: world.pool }).list()).map(({ seq }) => seq)
const raiseLimit = async (): Promise<void> => {
  const kept = world.transport.records(topic)
  world.transport.deleteTopic(topic)
  await world.transport.admin().createTopics([{ topic, partitions: 4 }])
  expect(kept.length).toBeGreaterThanOrEqual(0)
}

describe('a record that Kafka refuses', () => {
  test('parks its key with all that follows, bytes as they are; other keys flow', async () => {
    await world.relay()
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload_binary, headers, traceparent, created_at)
       values ('order', 'bad', 'order.placed', $1, '{"b": 1, "a": 2}', '00-1-2-01', '2026-11-24 08:00:00.123456')`,
      [Buffer.alloc(3_000, 0xff)],
    )
    await world.insert('bad', 'after')
    await world.insert('good', 'flows')
    await until('both are parked', async () => (await parkedSeqs()).length === 2)
    await until('the other one flows', () => world.bodies().includes('flows'))
    expect(world.bodies()).toEqual(['flows'])
    const operator = createOutboxOperator({ database: world.pool })
    expect(await operator.list()).toMatchObject([
      {
        seq: '1',
        topic,
        key: 'bad',
        type: 'order.placed',
        bytes: 3_000,
        code: 'OUTBOX_RECORD_REFUSED',
        reason: `a record is larger than ${topic} takes`,
      },
      { seq: '2', topic, key: 'bad', code: 'OUTBOX_KEY_PARKED' },
    ])
    expect(await operator.list({ key: 'good' })).toEqual([])
    expect(await operator.list({ topic, afterSeq: '1', limit: 1 })).toMatchObject([{ seq: '2' }])
    const { rows } = await world.pool.query(
      `select count(*)::int as n from backstitch.outbox_quarantine q join backstitch.outbox o using (seq, id, aggregatetype, aggregateid, type, version, created_at)
       where q.payload is not distinct from o.payload and q.payload_binary is not distinct from o.payload_binary
         and q.headers is not distinct from o.headers and q.traceparent is not distinct from o.traceparent`,
    )
    expect(rows).toEqual([{ n: 2 }])
  })

  test('is published after all when an operator says so, with what waits behind it, in order', async () => {
    await world.relay()
    await world.insert('bad', 'first', large, 'second')
    await world.insert('bad', 'third')
    await until('three are parked', async () => (await parkedSeqs()).length === 3)
    await raiseLimit()
    const operator = createOutboxOperator({ database: world.pool })
    expect(await operator.retry({ seqs: ['2'] }, act)).toEqual({ seqs: ['2'], more: false })
    await until('they are drained', async () => (await parkedSeqs()).length === 0)
    await world.insert('bad', 'fourth')
    await until('the key flows again', () => world.bodies().includes('fourth'))
    expect(world.bodies()).toEqual([large, 'second', 'third', 'fourth'])
  })

  test('stays when it is refused again, with the wish and who had it until the relay has seen to it', async () => {
    const relay = await world.relay()
    await world.insert('bad', large, 'second')
    await until('both are parked', async () => (await parkedSeqs()).length === 2)
    await relay.stop()
    const operator = createOutboxOperator({ database: world.pool })
    await operator.retry({ topic, key: 'bad' }, act)
    expect((await operator.list())[0]?.intent).toMatchObject({
      verb: 'retry',
      actor: 'ann',
      reason: 'the limit was raised',
    })
    await world.relay()
    await until('the wishes are done with', async () =>
      (await operator.list()).every(({ intent }) => intent === undefined),
    )
    expect(await parkedSeqs()).toEqual(['1', '2'])
    expect(world.bodies()).toEqual([])
  })

  test('is dropped when an operator says skip, and what waits behind it goes on', async () => {
    await world.relay()
    await world.insert('bad', large, 'second', large, 'fourth')
    await until('all are parked', async () => (await parkedSeqs()).length === 4)
    const operator = createOutboxOperator({ database: world.pool })
    await operator.skip({ seqs: ['1'] }, act)
    await until('the second is published', () => world.bodies().includes('second'))
    await until(
      'the third is refused',
      async () => (await operator.list())[0]?.code === 'OUTBOX_RECORD_REFUSED',
    )
    await operator.skip({ all: true }, act)
    await until('all are dropped', async () => (await parkedSeqs()).length === 0)
    await world.insert('bad', 'fifth')
    await until('the key flows again', () => world.bodies().includes('fifth'))
    expect(world.bodies()).toEqual(['second', 'fifth'])
  })

  test('and its key are still parked for the next owner, and rows that come meanwhile queue up behind it (rule B15)', async () => {
    const first = await world.relay()
    await world.insert('bad', large)
    await until('it is parked', async () => (await parkedSeqs()).length === 1)
    await first.stop()
    await world.insert('bad', 'second')
    await world.relay()
    await world.insert('bad', 'third')
    await until('they queue up', async () => (await parkedSeqs()).length === 3)
    expect(world.bodies()).toEqual([])
  })

  test('is named by an operator, or there is an error', async () => {
    const operator = createOutboxOperator({ database: world.pool })
    await expect(operator.retry({ seqs: ['77'] }, act)).rejects.toMatchObject({ code: 'ROW_NOT_FOUND' })
    await expect(operator.skip({ topic: 'none', key: 'k' }, act)).rejects.toMatchObject({
      code: 'ROW_NOT_FOUND',
    })
    await expect(operator.retry({ all: true }, act)).rejects.toMatchObject({ code: 'ROW_NOT_FOUND' })
  })
})

test('rows of a topic that does not exist wait for it, others flow, and they follow by themselves, in order', async () => {
  await world.relay()
  const insert = (key: string, payload: string) =>
    world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('late', $1, 't', $2)`,
      [key, payload],
    )
  for (let n = 0; n < 30; n++) await insert(`k-${n % 3}`, String(n))
  await world.insert('k', 'flows')
  await until('the other one flows', () => world.bodies().length === 1)
  await until('they wait', async () => (await parkedSeqs()).length === 30)
  await world.transport.admin().createTopics([{ topic: 'outbox.event.late', partitions: 2 }])
  await until('they follow', async () => (await parkedSeqs()).length === 0)
  await insert('k-0', 'new')
  await until('the topic flows', () => world.transport.records('outbox.event.late').length === 31)
  for (const records of Map.groupBy(world.transport.records('outbox.event.late'), ({ key }) =>
    String(key),
  ).values()) {
    const values = records.map(({ value }) => (String(value) === 'new' ? 99 : Number(value)))
    expect(values).toEqual(values.toSorted((a, b) => a - b))
  }
})
