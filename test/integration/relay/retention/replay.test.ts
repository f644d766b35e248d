import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { deriveId } from '../../../../src/kernel/ids.ts'
import { createOutboxOperator } from '../../../../src/runtime/outbox-operator.ts'
import type { OutboxOperator } from '../../../../src/index.ts'
import type { ReplayEntry } from '../../../../src/relay/operator/replay-operator.ts'
import { topic, until } from '../relay-world.ts'
import { type LeafWorld, leafWorld } from './leaf-world.ts'

let world: LeafWorld
let operator: OutboxOperator
beforeEach(async () => {
  world = await leafWorld()
  operator = createOutboxOperator({ database: world.pool })
})
afterEach(() => world.close())

const act = { actor: 'ann', reason: 'billing lost its index' }
const other = 'orders.again'

const headersOn = (name: string): Record<string, string>[] =>
  world.transport
    .records(name)
    .map(({ headers }) => Object.fromEntries(headers.map(([key, value]) => [key, String(value)])))
const bodiesOn = (name: string): string[] => world.transport.records(name).map(({ value }) => String(value))

const done = async (id: string): Promise<ReplayEntry> => {
  let entry: ReplayEntry | undefined
  await until('the replay ends', async () => {
    ;[entry] = await operator.replays({ id })
    return entry?.state === 'completed' || entry?.state === 'failed'
  })
  if (!entry) throw new Error('there is no replay')
  return entry
}

describe('a replay (rule C23)', () => {
  test('sends published rows again, in order, with their ids and a header that says so', async () => {
    await world.relay()
    await world.insert('a', 'one', 'two', 'three')
    await until('they are delivered', () => world.bodies().length === 3)
    const { id, isCut } = await operator.replay({ fromSeq: '2', toSeq: '3' }, act)
    expect(isCut).toBe(false)
    expect(await done(id)).toMatchObject({ state: 'completed', published: 2, skipped: 0, position: '3' })
    expect(world.bodies()).toEqual(['one', 'two', 'three', 'two', 'three'])
    const headers = headersOn(topic)
    expect(headers[3]).toEqual({ ...headers[1], 'replay-id': id })
    const { rows } = await world.pool.query(
      `select verb, reason, target_id from backstitch.audit_entry where verb = 'outbox replay'`,
    )
    expect(rows).toEqual([{ verb: 'outbox replay', reason: act.reason, target_id: id }])
  })

  test('of kept rows, in tables of their own too, to another topic and with new ids', async () => {
    await world.transport.admin().createTopics([{ topic: other, partitions: 1 }])
    await world.relay({ retention: { keepPublishedMs: 3_600_000 } })
    await world.insert('a', 'one')
    await world.insert('b', 'not asked for')
    await until('they are delivered', () => world.bodies().length === 2)
    await world.moveTo(250_000)
    await world.insert('a', 'two')
    await until('the first leaf is kept', async () => !(await world.names()).includes('outbox_0'))
    const request = { from: new Date(0), key: 'a', topic: other, newIds: true }
    const { id, isCut } = await operator.replay(request, act)
    expect(isCut).toBe(true)
    expect(await done(id)).toMatchObject({ state: 'completed', published: 2 })
    expect(bodiesOn(other)).toEqual(['one', 'two'])
    const [first] = headersOn(topic)
    expect(headersOn(other)[0]).toEqual({
      ...first,
      id: deriveId(first?.['id'] ?? '', 'replay', id),
      'causation-id': first?.['id'],
      'replay-id': id,
    })
    expect(world.bodies()).toHaveLength(3)
  })

  test('leaves out what is not published yet: it would come before its time', async () => {
    await world.relay()
    await world.insert('a', 'one')
    await until('it is delivered', () => world.bodies().length === 1)
    const open = await world.open()
    await open.client.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ('order', 'a', 't', 'open')`,
    )
    await world.insert('b', 'three')
    await until('it is delivered', () => world.bodies().length === 2)
    const { id } = await operator.replay({ fromSeq: '1' }, act)
    expect(await done(id)).toMatchObject({ published: 2 })
    await open.commit()
    await until('it is delivered once', () => world.bodies().filter((body) => body === 'open').length === 1)
  })

  test('passes over parked topics, and is refused onto a compacted topic and a missing one', async () => {
    const admin = world.transport.admin()
    const compacted = 'outbox.event.compacted'
    await admin.createTopics([{ topic: compacted, partitions: 1, config: { 'cleanup.policy': 'compact' } }])
    const relay = await world.relay()
    for (const type of ['compacted', 'unknown'])
      await world.pool.query(
        `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) values ($1, 'k', 't', $1)`,
        [type],
      )
    await until('one is parked', () => relay.status()[0]?.parkedTopics.length === 1)
    const refused = await operator.replay({ fromSeq: '1', aggregateType: 'compacted' }, act)
    expect(await done(refused.id)).toMatchObject({ state: 'failed', published: 0 })
    expect((await done(refused.id)).failure).toContain('is compacted')
    expect(bodiesOn(compacted)).toEqual(['compacted'])
    const parked = await operator.replay({ fromSeq: '1', aggregateType: 'unknown' }, act)
    expect(await done(parked.id)).toMatchObject({ state: 'completed', published: 0, skipped: 1 })
    const missing = await operator.replay({ fromSeq: '1', topic: 'nowhere' }, act)
    expect(await done(missing.id)).toMatchObject({ state: 'failed' })
  })

  test('goes on where it was after the relay has ended, until it is cancelled; meanwhile its rows are kept', async () => {
    const rows = 45_000
    await world.pool.query(
      `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) select 'order', 'k', 't', g::text from generate_series(1, ${rows}) g`,
    )
    const relay = await world.relay({ pageRows: 500 })
    await until('they are delivered', () => world.bodies().length === rows, 40_000)
    await world.moveTo(250_000)
    const { id } = await operator.replay({ fromSeq: '1' }, act)
    await until('it is under way', () => world.bodies().length > rows)
    await relay.stop()
    const [before] = await operator.replays({ id })
    expect(before).toMatchObject({ state: 'running' })
    const leaves = await world.leaves()
    expect(await leaves.empty('outbox_0'), 'the replay needs it').toBe(false)
    await world.relay({ pageRows: 500 })
    await until('it goes on', async () => {
      const [entry] = await operator.replays({ id })
      return Number(entry?.published) > Number(before?.published)
    })
    await operator.cancelReplay(id, act)
    const cancelledAt = (await operator.replays({ id }))[0]
    expect(cancelledAt?.state).toBe('cancelled')
    await world.insert('k', 'new')
    await until('new rows flow', () => world.bodies().includes('new'))
    await until('its leaf is let go', async () => !(await world.names()).includes('outbox_0'), 20_000)
    const replayed = world
      .bodies()
      .slice(rows)
      .filter((body) => body !== 'new')
      .map(Number)
    expect(replayed.length).toBeLessThan(rows)
    const firsts = [...new Set(replayed)]
    expect(firsts).toEqual(Array.from({ length: firsts.length }, (_, n) => n + 1))
    await expect(operator.cancelReplay(id, act)).rejects.toMatchObject({ code: 'REPLAY_NOT_FOUND' })
  }, 90_000)
})

describe('a replay that the database refuses to read', () => {
  test('has failed with its reason, and the shard works on as if there were none', async () => {
    await world.pool.query(
      `alter function backstitch.outbox_published_rows(bigint, bigint, pg_snapshot, text, text, timestamp, timestamp, integer, integer) rename to lost`,
    )
    const relay = await world.relay()
    await world.insert('a', 'one')
    await until('it is delivered', () => world.bodies().length === 1)
    const { id } = await operator.replay({ fromSeq: '1' }, act)
    const entry = await done(id)
    expect(entry).toMatchObject({ state: 'failed', published: 0 })
    expect(entry.failure).toContain('outbox_published_rows')
    await world.insert('a', 'two')
    await until('new rows flow', () => world.bodies().length === 2)
    expect(relay.health().state).toBe('running')
    expect(world.lines.filter((line) => line === 'owns the outbox')).toHaveLength(1)
  })
})

describe('a wish for a replay is refused', () => {
  test('when nothing of it is left, and says from where rows are kept', async () => {
    await expect(operator.replay({ fromSeq: '1' }, act)).rejects.toMatchObject({ code: 'ROWS_NOT_KEPT' })
    await world.moveTo(100)
    await world.insert('a', 'one')
    const gone = operator.replay({ fromSeq: '1', toSeq: '50' }, act)
    await expect(gone).rejects.toThrow('kept from seq 101')
    await expect(gone).rejects.toMatchObject({ code: 'ROWS_NOT_KEPT' })
    expect(await operator.replay({ fromSeq: '1' }, act)).toMatchObject({ fromSeq: '101', isCut: true })
  })

  test.each([
    [{}],
    [{ fromSeq: 'x' }],
    [{ fromSeq: '1', topic: 'no topic' }],
    [{ from: new Date(Number.NaN) }],
  ])('when it is unclear: %j', async (request) => {
    await expect(operator.replay(request, act)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('when it has no reason', async () => {
    await expect(operator.replay({ fromSeq: '1' }, { ...act, reason: ' ' })).rejects.toMatchObject({
      code: 'REASON_MISSING',
    })
  })
})
