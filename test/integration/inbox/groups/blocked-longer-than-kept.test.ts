import { expect, test } from 'vitest'
import { newId } from '../../../../src/kernel/ids.ts'
import { groupWorld } from './group-world.ts'
import { idAt, leavesBefore, oldLeaf } from './old-rows.ts'
import { serviceDatabase } from '../service-database.ts'
import { publish, until } from '../topic-feed.ts'

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

// attack E34: the finished successors of a blocked message are uncommitted for as long as it is blocked
test('a key that is blocked for longer than the inbox keeps its rows: its finished successors are not applied again', async () => {
  const { group, topic, transport, member, drain } = await groupWorld(database)
  const leaf = await oldLeaf(rows, oldMs)
  const record = (n: number) => ({
    topic,
    type: 'order.placed',
    partition: 0,
    id: idAt(oldMs + n),
    key: `k-${n}`,
    value: { name: String(n) },
  })
  await publish(
    transport,
    Array.from({ length: 10 }, (_, n) => record(n + 1)),
  )
  await drain()
  // All of that was forty days ago, and the process was killed before it had committed an offset.
  await rows(`update backstitch.inbox set received_at = clock_timestamp() - interval '40 days'`)
  const admin = transport.admin()
  await admin.setGroupOffsets(group, topic, new Map([[0, 4n]]))
  await admin.close()

  const blocked = Promise.withResolvers<void>()
  const seen: string[] = []
  const keeping = { inboxUpkeepIntervalMs: 50 }
  await publish(transport, [{ ...record(11), partition: 1, id: newId() }])
  const part = member(async (name) => {
    seen.push(name)
    if (name === '11') await blocked.promise
  }, keeping)
  await part.start()
  try {
    await until('the message to block', () => seen.includes('11'))
    const first = await looks()
    await until('the retention to look twice', async () => {
      const now = await looks()
      return now.looked > first.looked && now.marked !== null
    })
    const second = await looks()
    await until('and again', async () => (await looks()).looked > second.looked)
    expect(await leavesBefore(rows, Date.now() - dayMs)).toEqual([leaf])
    expect(await rows(`select from backstitch.${leaf}`)).toHaveLength(10)
    blocked.resolve()
    await until('the leaf to go once all is committed', async () => {
      const left = await leavesBefore(rows, Date.now() - dayMs)
      return left.length === 0
    })
  } finally {
    blocked.resolve()
    await part.stop()
  }
  expect(seen).toEqual(['11'])
  expect((await effects()).toSorted((a, b) => Number(a) - Number(b))).toEqual(
    Array.from({ length: 11 }, (_, n) => String(n + 1)),
  )
})
