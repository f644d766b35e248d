import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createOutboxAdministrator,
  createOutboxOperator,
  type OutboxOperator,
} from '../../../../src/index.ts'
import { type LeafWorld, leafWorld } from './leaf-world.ts'
import { topic, until } from '../relay-world.ts'

let world: LeafWorld
let operator: OutboxOperator
beforeEach(async () => {
  world = await leafWorld()
  operator = createOutboxOperator({ database: world.pool })
})
afterEach(() => world.close())

const act = { actor: 'ann', reason: 'a fault of the writer' }
const large = (name: string): string => `${name} ${'x'.repeat(3_000)}`
const short = (): string[] => world.bodies().map((body) => body.split(' ')[0] ?? '')
const settled = async (): Promise<unknown[]> => {
  const { rows } = await world.pool.query(
    `select seq::integer as seq, settled_as, exists (select from backstitch.outbox o where o.seq = s.seq and o.id = s.id) as is_original
     from backstitch.outbox_settled s order by s.seq`,
  )
  return rows
}

/** Rows 1 to 4 of four keys: the second is skipped, the third published edited, the fourth parked and then published as it is. */
async function settleSome(): Promise<void> {
  world.transport.deleteTopic(topic)
  await world.transport
    .admin()
    .createTopics([{ topic, partitions: 4, config: { 'max.message.bytes': '2000' } }])
  const relay = await world.relay()
  await world.insert('a', 'one')
  await world.insert('b', large('skipped'))
  await world.insert('c', large('original'))
  await world.insert('d', large('large'))
  await until('three are parked', async () => (await operator.list()).length === 3)
  await operator.skip({ seqs: ['2'] }, act)
  await operator.edit('3', { body: '"edited"' }, act)
  await until('two are settled', async () => (await operator.list()).length === 1)
  world.transport.deleteTopic(topic)
  await world.transport.admin().createTopics([{ topic, partitions: 4 }])
  await operator.retry({ seqs: ['4'] }, act)
  await until('the last one is published', async () => (await operator.list()).length === 0)
  expect(await settled()).toEqual([
    { seq: 2, settled_as: 'skipped', is_original: true },
    { seq: 3, settled_as: 'edited', is_original: true },
  ])
  await relay.stop()
}

describe('rows that an operator skipped, or had published edited', () => {
  test('are passed over by a replay', async () => {
    await settleSome()
    await world.relay()
    const before = world.bodies().length
    const { id } = await operator.replay({ fromSeq: '1' }, act)
    await until('it is done', async () => (await operator.replays({ id }))[0]?.state === 'completed')
    expect(short().slice(before)).toEqual(['one', 'large'])
  })

  test('are passed over where rows are read again after the number of shards was changed', async () => {
    await settleSome()
    const administrator = createOutboxAdministrator({ database: world.pool, name: 'orders' })
    await administrator.reshard(2, act)
    // a shard that was never owned has published nothing, as far as anybody knows
    await world.pool.query('delete from backstitch.outbox_checkpoint where shard = 1')
    const { resent } = await administrator.reshard(3, act, { dryRun: true })
    await administrator.reshard(3, act)
    const before = world.bodies().length
    await world.relay()
    await world.insert('a', 'five')
    await until('all is published', () => short().slice(before).includes('five'))
    await until('what is read again is sent', () => short().slice(before).includes('large'))
    expect(short().slice(before).toSorted()).toEqual(['five', 'large', 'one'])
    expect(resent).toBeLessThanOrEqual(2)
  })

  test('are told by their id too: a sequence that somebody restarts gives a number twice', async () => {
    await world.pool.query(
      `insert into backstitch.outbox_settled (seq, id, settled_as) values (1, gen_random_uuid(), 'skipped')`,
    )
    await world.relay()
    await world.insert('a', 'one')
    await until('it is published', () => world.bodies().length === 1)
    const { id } = await operator.replay({ fromSeq: '1' }, act)
    await until('it is done', async () => (await operator.replays({ id }))[0]?.state === 'completed')
    expect(world.bodies()).toEqual(['one', 'one'])
  })

  test('are forgotten once their rows are gone, and where there are very many the oldest', async () => {
    const leaves = await world.leaves()
    const note = (from: number, to: number) =>
      world.pool.query(
        `insert into backstitch.outbox_settled (seq, id, settled_as) select n, gen_random_uuid(), 'skipped' from generate_series($1::integer, $2::integer) n`,
        [from, to],
      )
    const count = async (): Promise<unknown> =>
      (
        await world.pool.query(
          `select count(*)::integer as n, min(seq)::integer as least from backstitch.outbox_settled`,
        )
      ).rows[0]
    await world.moveTo(100)
    await world.insert('a', 'one')
    await note(91, 110)
    expect(await leaves.forgetSettled()).toBe(10)
    expect(await count()).toEqual({ n: 10, least: 101 })
    await note(1_000, 52_999)
    expect(await leaves.forgetSettled()).toBe(2_010)
    expect(await leaves.forgetSettled()).toBe(0)
    expect(await count()).toEqual({ n: 50_000, least: 3_000 })
    await world.pool.query('truncate backstitch.outbox')
    expect(await leaves.forgetSettled()).toBe(5_000)
  })
})
