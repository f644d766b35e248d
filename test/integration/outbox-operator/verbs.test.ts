import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type OperatorWorld, operatorWorld } from './parked-rows.ts'

let world: OperatorWorld
beforeEach(async () => {
  world = await operatorWorld()
})
afterEach(() => world.close())

const act = { actor: 'ann', reason: 'the limit was raised' }
const topic = 'outbox.event.order'
const waits = 'OUTBOX_KEY_PARKED'
const entries = async (): Promise<Record<string, unknown>[]> =>
  (
    await world.pool.query(
      'select verb, target_kind, target_id, before, after from backstitch.audit_entry order by seq',
    )
  ).rows
const intents = async (): Promise<string[]> =>
  (
    await world.pool.query<{ line: string }>(
      `select seq || ' ' || intent || ' by ' || intent_by as line from backstitch.outbox_quarantine where intent is not null order by seq`,
    )
  ).rows.map(({ line }) => line)
const row = async (seq: number): Promise<Record<string, unknown>> =>
  (await world.pool.query('select * from backstitch.outbox_quarantine where seq = $1', [seq]))
    .rows[0] as Record<string, unknown>

describe('list', () => {
  test('takes topic, key, code, age and pages', async () => {
    await world.park(
      { seq: 1, parkedAgoS: 600 },
      { seq: 2, code: waits, parkedAgoS: 300 },
      { seq: 3, key: 'other', topic: 'outbox.event.late', code: 'OUTBOX_TOPIC_UNKNOWN' },
    )
    const seqs = async (filter: Parameters<typeof world.operator.list>[0]): Promise<string[]> =>
      (await world.operator.list(filter)).map(({ seq }) => seq)
    expect(await seqs({})).toEqual(['1', '2', '3'])
    expect(await seqs({ code: 'OUTBOX_KEY_PARKED' })).toEqual(['2'])
    expect(await seqs({ parkedForMs: 400_000 })).toEqual(['1'])
    expect(await seqs({ parkedForMs: 100_000, topic })).toEqual(['1', '2'])
    expect(await seqs({ afterSeq: '1', limit: 1 })).toEqual(['2'])
    expect(await seqs({ key: 'other' })).toEqual(['3'])
  })
})

describe('show', () => {
  test('gives body, headers, context, what waits, and what was done to the row, its key and its topic', async () => {
    await world.park(
      { seq: 1, payload: '{"b": 1,  "a": 2}', headers: { tenant: 'eu', n: 7 }, causation_id: 'c-1' },
      { seq: 2, code: waits },
      { seq: 3, code: waits },
      { seq: 4, key: 'other' },
    )
    await world.operator.retry({ seqs: ['1'] }, act)
    await world.operator.retry({ seqs: ['4'] }, act)
    await world.operator.skip({ topic, key: 'k' }, act)
    await world.operator.retry({ topic }, act)
    const shown = await world.operator.show('1')
    expect(shown).toMatchObject({
      seq: '1',
      topic,
      key: 'k',
      aggregateType: 'order',
      body: { text: '{"b": 1,  "a": 2}' },
      headers: { tenant: 'eu', n: 7 },
      context: { 'causation-id': 'c-1' },
      waiting: { count: 2, more: false },
      intent: { verb: 'retry', actor: 'ann' },
    })
    expect(shown.behind).toBeUndefined()
    expect(shown.history.map(({ verb, target }) => `${verb} ${target.kind}`)).toEqual([
      'outbox retry outbox.topic',
      'outbox skip outbox.key',
      'outbox retry outbox.row',
    ])
    expect(await world.operator.show('3')).toMatchObject({ behind: '1', waiting: { count: 0 } })
    await expect(world.operator.show('77')).rejects.toMatchObject({ code: 'ROW_NOT_FOUND' })
  })

  test('gives bytes in base64 and tells a tombstone', async () => {
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, n) => n % 256))
    await world.park({ seq: 1, payload_binary: bytes }, { seq: 2, payload: null })
    expect((await world.operator.show('1')).body).toEqual({ base64: bytes.toString('base64') })
    expect((await world.operator.show('2')).body).toBeNull()
  })
})

describe('retry and skip', () => {
  beforeEach(() =>
    world.park(
      { seq: 1 },
      { seq: 2, code: waits },
      { seq: 3, key: 'b' },
      { seq: 4, key: 'c', topic: 'outbox.event.late', code: 'OUTBOX_TOPIC_UNKNOWN' },
    ),
  )

  test('of a topic, a key or all choose the refused rows to retry, and every row to skip', async () => {
    expect(await world.operator.retry({ topic }, act)).toEqual({ seqs: ['1', '3'], more: false })
    expect(await world.operator.retry({ topic, key: 'k' }, act)).toEqual({ seqs: ['1'], more: false })
    expect(await world.operator.retry({ all: true }, act)).toEqual({ seqs: ['1', '3'], more: false })
    expect(await intents()).toEqual(['1 retry by ann', '3 retry by ann'])
    expect(await world.operator.skip({ topic, key: 'k' }, act)).toEqual({ seqs: ['1', '2'], more: false })
    expect(await world.operator.skip({ all: true }, act)).toEqual({ seqs: ['1', '2', '3', '4'], more: false })
  })

  test('are about so many rows at most, the oldest first, and say when there are more', async () => {
    expect(await world.operator.skip({ all: true }, act, { limit: 3 })).toEqual({
      seqs: ['1', '2', '3'],
      more: true,
    })
    expect(await intents()).toHaveLength(3)
    expect(await entries()).toMatchObject([
      {
        verb: 'outbox skip',
        target_kind: 'outbox',
        after: { intent: 'skip', rows: 3, first: '1', last: '3' },
      },
    ])
    await expect(world.operator.skip({ all: true }, act, { limit: 0 })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })

  test('on very many rows are noted bit by bit, each with its entry', async () => {
    await world.pool.query('delete from backstitch.outbox_quarantine')
    await world.pool.query(
      `insert into backstitch.outbox_quarantine (seq, shard, topic, id, aggregatetype, aggregateid, type, version, created_at, reason_code, reason)
       select g, 0, $1, gen_random_uuid(), 'order', 'k-' || g, 'order.placed', 1, now(), 'OUTBOX_RECORD_REFUSED', 'why' from generate_series(1, 2600) g`,
      [topic],
    )
    const asked = await world.operator.retry({ topic }, act, { limit: 2_500 })
    expect(asked.seqs).toEqual(Array.from({ length: 2_500 }, (_, n) => String(n + 1)))
    expect(asked.more).toBe(true)
    const { rows } = await world.pool.query(
      'select count(*)::int as n, count(distinct xmin::text)::int as transactions from backstitch.outbox_quarantine where intent is not null',
    )
    expect(rows).toMatchObject([{ n: 2_500, transactions: 3 }])
    expect((await entries()).map(({ after }) => (after as { rows: number }).rows)).toEqual([
      1_000, 1_000, 500,
    ])
    expect(await world.operator.skip({ all: true }, act, { limit: 2_600, dryRun: true })).toMatchObject({
      more: false,
      seqs: { length: 2_600 },
    })
  })

  test('as a dry run do nothing', async () => {
    expect(await world.operator.skip({ topic }, act, { dryRun: true, limit: 2 })).toEqual({
      seqs: ['1', '2'],
      more: true,
    })
    expect(await intents()).toEqual([])
    expect(await entries()).toEqual([])
  })

  test('say why there is nothing to retry', async () => {
    await expect(world.operator.retry({ seqs: ['1', '4'] }, act)).rejects.toMatchObject({
      code: 'ROW_STATE_REFUSES',
    })
    await expect(world.operator.retry({ topic: 'outbox.event.late' }, act)).rejects.toMatchObject({
      code: 'ROW_NOT_FOUND',
    })
    expect(await intents()).toEqual([])
  })
})

describe('edit', () => {
  test('makes another message of the row, and has its key retried', async () => {
    await world.park({
      seq: 1,
      payload: '{"large": true}',
      headers: { tenant: 'eu' },
      causation_id: 'before',
    })
    const old = await row(1)
    const { before, after } = await world.operator.edit(
      '1',
      { body: '{"small":  1}', headers: { a: 'b' } },
      act,
    )
    expect(after.id).not.toBe(old['id'])
    expect(await row(1)).toEqual({
      ...old,
      id: after.id,
      original_id: old['id'],
      causation_id: old['id'],
      payload: '{"small":  1}',
      headers: { tenant: 'eu', a: 'b' },
      intent: 'retry',
      intent_by: 'ann',
      intent_reason: act.reason,
      intent_at: expect.any(Date) as Date,
    })
    expect(await entries()).toEqual([
      { verb: 'outbox edit', target_kind: 'outbox.row', target_id: '1', before, after },
    ])
    expect(before).toEqual({
      id: old['id'],
      causationId: 'before',
      payload: '{"large": true}',
      payloadBase64: null,
      headers: { tenant: 'eu' },
    })
    expect((await world.operator.show('1')).history[0]).toMatchObject({ verb: 'outbox edit', before, after })
  })

  test('keeps bytes as bytes', async () => {
    const [old, young] = [Buffer.alloc(200, 0xff), Buffer.from([0, 255, 10])]
    await world.park({ seq: 1, payload_binary: old, content_type: 'application/avro' })
    const { before } = await world.operator.edit('1', { body: young }, act)
    expect(before.payloadBase64).toBe(old.toString('base64'))
    expect(await row(1)).toMatchObject({ payload: null, payload_binary: young })
  })

  test('as a dry run, and when it is refused, changes nothing', async () => {
    await world.park({ seq: 1 })
    const old = await row(1)
    const { after } = await world.operator.edit('1', { body: '[]' }, act, { dryRun: true })
    expect(after.payload).toBe('[]')
    await expect(world.operator.edit('1', { body: 'no json' }, act)).rejects.toMatchObject({
      code: 'MESSAGE_INVALID',
    })
    await expect(world.operator.edit('1', { body: '[]' }, { ...act, reason: '' })).rejects.toMatchObject({
      code: 'REASON_MISSING',
    })
    await expect(world.operator.edit('9', { body: '[]' }, act)).rejects.toMatchObject({
      code: 'ROW_NOT_FOUND',
    })
    expect(await row(1)).toEqual(old)
    expect(await entries()).toEqual([])
  })

  test('is refused while the key may be on its way', async () => {
    await world.park(
      { seq: 1 },
      { seq: 2, code: waits },
      { seq: 3, key: 'going', code: waits },
      { seq: 4, key: 'late', code: 'OUTBOX_TOPIC_UNKNOWN' },
    )
    const refusal = (seq: string): Promise<unknown> =>
      world.operator.edit(seq, { body: '[]' }, act).then(
        () => 'edited',
        ({ message }: Error) => message,
      )
    expect(await refusal('3')).toMatch(/^ROW_STATE_REFUSES: .* its key is being published/)
    expect(await refusal('4')).toMatch(/^ROW_STATE_REFUSES: .* its topic/)
    expect(await refusal('2')).toBe('edited')
    expect(await refusal('1')).toMatch(/^ROW_STATE_REFUSES: .* a wish of an operator is open for its key/)
  })

  test('and a retry of the same key follow one another', async () => {
    await world.park({ seq: 1 }, { seq: 2, code: waits })
    const outcomes = await Promise.allSettled([
      world.operator.edit('2', { body: '[1]' }, act),
      world.operator.retry({ seqs: ['1'] }, act),
      world.operator.edit('1', { body: '[2]' }, act),
    ])
    // whichever edit comes first is alone: after it, and after the retry, a wish is open
    const edits = [outcomes[0], outcomes[2]].filter((outcome) => outcome?.status === 'fulfilled')
    expect(edits.length).toBeLessThanOrEqual(1)
    expect(outcomes[1]?.status).toBe('fulfilled')
    expect(await entries()).toHaveLength(1 + edits.length)
  })
})
