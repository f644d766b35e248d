import { expect, test } from 'vitest'
import { newId } from '../../../../src/kernel/ids.ts'
import { groupWorld } from './group-world.ts'
import { idAt, leavesBefore, oldLeaf } from './old-rows.ts'
import { serviceDatabase } from '../service-database.ts'
import { publish, until, untilDrained } from '../topic-feed.ts'

const database = serviceDatabase()
const { rows, effects } = database
const dayMs = 86_400_000
const oldMs = Date.now() - 40 * dayMs

const looks = async (): Promise<{ looked: string; marked: string | null }> => {
  const [found] = await rows<{ looked: string; marked: string | null }>(
    `select r.looked_at::text as looked, g.marked_at::text as marked from backstitch.inbox_retention r, backstitch.inbox_group g`,
  )
  return found!
}

// What was finished behind a blocked message is uncommitted for as long as that is blocked.
test('a key that is blocked for longer than the inbox keeps rows: what was finished after it is not applied again (E34)', async () => {
  const { group, topic, transport, member } = await groupWorld(database)
  const leaf = await oldLeaf(rows, oldMs)
  const record = (n: number) => ({
    topic,
    type: 'order.placed',
    partition: 0,
    // the claim of the blocked one would hold the leaf by its lock
    id: n === 0 ? newId() : idAt(oldMs + n),
    key: `k-${n}`,
    value: { name: String(n) },
  })
  await publish(
    transport,
    Array.from({ length: 11 }, (_, n) => record(n)),
  )
  const keeping = { inboxUpkeepIntervalMs: 50, stopDeadlineMs: 100 }
  const blocked = member(async (name, { signal }) => {
    if (name !== '0') return
    await new Promise((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
    })
  }, keeping)
  await blocked.start()
  try {
    await until('the others to be applied', async () => (await effects()).length === 10)
    await rows(`update backstitch.inbox set received_at = clock_timestamp() - interval '40 days'`)
    // A mark that was made by now is not passed; that takes the offset of the blocked one.
    const first = await looks()
    await until('the retention to look', async () => (await looks()).looked > first.looked)
    const second = await looks()
    expect(second.marked).not.toBeNull()
    await until('and again', async () => (await looks()).looked > second.looked)
    expect(await leavesBefore(rows, Date.now() - dayMs)).toEqual([leaf])
    expect(await rows(`select from backstitch.${leaf}`)).toHaveLength(10)
  } finally {
    await blocked.stop()
  }

  const seen: string[] = []
  const next = member((name) => seen.push(name), keeping)
  await next.start()
  try {
    await untilDrained(transport, group, topic)
    expect(seen).toEqual(['0'])
    await rows(`update backstitch.inbox set received_at = clock_timestamp() - interval '40 days'`)
    await until('the leaf to go once all is committed', async () => {
      const left = await leavesBefore(rows, Date.now() - dayMs)
      return left.length === 0
    })
  } finally {
    await next.stop()
  }
  expect((await effects()).toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 11 }, (_, n) => String(n)),
  )
})
