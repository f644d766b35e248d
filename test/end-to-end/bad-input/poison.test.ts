import { createOutboxOperator } from 'backstitch'
import { expect, onTestFinished, test } from 'vitest'
import { TopicWitness } from '../../crash/world/topic-witness.ts'
import { kafkaBrokers } from '../../support/services.ts'
import { World } from './world/world.ts'

/** `POISON_ROWS=100000` for the whole of it. */
const rows = Number(process.env['POISON_ROWS'] ?? 20_000)
const keys = 1_000
const poisonAt = rows / 2 + 7
const poisonKey = `k-${poisonAt % keys}`
const chunk = 1_000

const insertRows = `insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
select 'order', 'k-' || n % ${keys}, 'order.placed',
  case when n = ${poisonAt} then json_build_object('n', n, 'filling', repeat('x', 30000))::text else json_build_object('n', n)::text end
from generate_series($1::integer, $2::integer) n order by n`

test(`of ${rows} records over ${keys} keys one is too large: it parks its key alone, the others arrive whole and in order, and so does it once it is edited`, {
  timeout: 240_000,
}, async () => {
  const world = await World.open()
  await world.createTopics({
    aggregateType: 'order',
    partitions: 6,
    config: { 'max.message.bytes': '20000' },
  })
  const witness = await TopicWitness.of(kafkaBrokers(), [world.topicOf('order')])
  onTestFinished(() => witness.close())
  // half of them are there before the relay, the others come while it works
  await world.pool.query(insertRows, [1, rows / 2])
  const relay = world.relay()
  await relay.start()
  for (let n = rows / 2; n < rows; n += chunk)
    await world.pool.query(insertRows, [n + 1, Math.min(rows, n + chunk)])

  // a request that holds a refused record may have been written in part, and is sent again: what counts is what comes first
  const firsts = (): typeof witness.records => {
    const seen = new Set<string>()
    return witness.records.filter(({ id }) => !seen.has(id) && seen.add(id))
  }
  const numberOf = ({ value }: { value: string | null }): number =>
    (JSON.parse(value ?? '') as { n: number }).n
  const ofKey = (key: string): number[] =>
    firsts()
      .filter((record) => record.key === key)
      .map(numberOf)
  const wanted = (key: string): number[] => {
    const first = Number(key.slice(2)) || keys
    return Array.from({ length: Math.ceil((rows - first + 1) / keys) }, (_, n) => first + n * keys)
  }
  const parked = wanted(poisonKey).filter((n) => n >= poisonAt)
  await expect.poll(() => witness.ids.size, { timeout: 120_000, interval: 100 }).toBe(rows - parked.length)

  const operator = createOutboxOperator({ database: world.pool })
  await expect.poll(async () => (await operator.list()).length, { timeout: 20_000 }).toBe(parked.length)
  const listed = await operator.list()
  expect(new Set(listed.map(({ key }) => key))).toEqual(new Set([poisonKey]))
  expect(listed.map(({ code }) => code)).toEqual(
    parked.map((n) => (n === poisonAt ? 'OUTBOX_RECORD_REFUSED' : 'OUTBOX_KEY_PARKED')),
  )
  const byKey = Map.groupBy(firsts(), ({ key }) => key)
  expect(byKey.size).toBe(keys)
  for (const [key, records] of byKey) {
    const numbers = records.map(({ value }) => (JSON.parse(value ?? '') as { n: number }).n)
    if (key === poisonKey) expect(numbers).toEqual(wanted(key).filter((n) => n < poisonAt))
    else expect(numbers, key).toEqual(wanted(key))
  }

  const head = listed[0]?.seq ?? ''
  const { before, after } = await operator.edit(
    head,
    { body: JSON.stringify({ n: poisonAt }) },
    { actor: 'ann', reason: 'the filling goes by reference' },
  )
  await expect.poll(() => ofKey(poisonKey), { timeout: 30_000, interval: 50 }).toEqual(wanted(poisonKey))
  const edited = witness.records.find(({ key, value }) => key === poisonKey && value === `{"n":${poisonAt}}`)
  expect(edited?.id).toBe(after.id)
  expect(after.causationId).toBe(before.id)
  expect(witness.ids.has(before.id)).toBe(false)
  await expect.poll(() => operator.list(), { timeout: 20_000 }).toEqual([])
  expect(relay.status()).toMatchObject([{ parkedKeys: 0, parkedTopics: [] }])
  // what comes later flows
  await world.insert({ key: poisonKey, payload: '{"n":0}' })
  await expect.poll(() => ofKey(poisonKey).at(-1), { timeout: 20_000 }).toBe(0)
})
