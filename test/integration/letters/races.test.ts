import { expect, test } from 'vitest'
import { deadLetterOf } from '../../../src/inbox/dead-letter.ts'
import { newId } from '../../../src/kernel/ids.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgInboxStore } from '../../../src/postgres/pg-inbox-store.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { recordWith } from '../../unit/inbox/records.ts'
import { publish, started, until, untilDrained } from '../inbox/topic-feed.ts'
import { act, letterWorlds, topic } from './letter-world.ts'

const { service, world } = letterWorlds()
const database = () => pgDatabase(service.pool())

async function waitsForLock(): Promise<void> {
  await until('somebody to wait for a lock', async () => {
    const [row] = await service.rows<{ waiting: string }>(
      `select count(*) as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return row?.waiting !== '0'
  })
}

test('a message that comes while the last letter of its key is redriven does not pass it (E35)', async () => {
  const { faults, effects, letters, noLetters, operator, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1')
  await started(it.member())
  await it.drained()
  faults.clear()
  const { entered, release } = it.gate('a-1')
  const [first] = await letters()
  await operator.redrive({ ids: [first?.id ?? ''] }, act)
  await entered
  await it.publish('a-2')
  await waitsForLock() // to be put behind it
  release()
  await it.drained()
  await noLetters()
  expect(await effects()).toEqual(['a-1', 'a-2'])
})

test('a letter that is added while the line before it ends is the head of the next one, and not forgotten (E35)', async () => {
  const { group, faults, effects, letters, noLetters, operator, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1')
  await started(it.member())
  await it.drained()
  faults.clear()
  const { entered, release } = it.gate('a-1')
  const [first] = await letters()
  await operator.redrive({ ids: [first?.id ?? ''] }, act)
  await entered
  const added = deadLetterOf(
    recordWith({ key: 'a', value: { name: 'a-2' }, headers: { type: 'order.placed', version: '1' } }),
    { group, messageId: newId(), thrown: new Error('poison'), attempts: 5, order: 'key' },
  )
  const burying = database().transaction((tx) => pgInboxStore('backstitch').bury(tx, added))
  await waitsForLock()
  release()
  expect(await burying).toBe(true)
  await until('the first one to be handled', async () => (await letters()).length === 1)
  expect(await letters()).toMatchObject([{ messageId: added.messageId, isHead: true, state: 'dead' }])
  await it.publish('a-3')
  await it.drained()
  expect(await effects()).toEqual(['a-1'])
  await operator.redrive({ filter: { group } }, act)
  await noLetters()
  expect(await effects()).toEqual(['a-1', 'a-2', 'a-3'])
})

test('a zombie that tries the message of a letter again, before, while and after it is redriven, applies nothing (E35)', async () => {
  const { group, faults, effects, letters, noLetters, operator, ...it } = world()
  faults.add('a-1')
  const [id] = await it.publish('a-1')
  const again = async (): Promise<void> => {
    // the same record, in the hands of a member that still believes in its partition
    const transport = inMemoryTransport({ topics: { [topic]: 1 } })
    await publish(transport, [
      { topic, type: 'order.placed', value: { name: 'a-1' }, key: 'a', id: id ?? '' },
    ])
    const zombie = it.member({ transport })
    await zombie.start()
    await untilDrained(transport, group, topic)
    await zombie.stop()
  }
  await started(it.member())
  await it.drained()
  faults.clear()
  await again()
  expect(await letters()).toHaveLength(1)
  const { entered, release } = it.gate('a-1')
  await operator.redrive({ filter: { group } }, act)
  await entered
  await again()
  release()
  await noLetters()
  await again()
  expect(await effects()).toEqual(['a-1'])
})

test('a letter that is dropped or edited while it is handled is left to whoever handles it', async () => {
  const { group, faults, effects, letters, noLetters, operator, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1', 'a-2')
  await started(it.member())
  await it.drained()
  faults.clear()
  const { entered, release } = it.gate('a-1')
  const [first, second] = await letters()
  await operator.redrive({ ids: [first?.id ?? ''] }, act)
  await entered
  const refused = { code: 'LETTER_STATE_REFUSES' }
  await expect(operator.drop({ ids: [first?.id ?? ''] }, act)).rejects.toMatchObject(refused)
  await expect(operator.drop({ filter: { group } }, act)).rejects.toMatchObject(refused)
  await expect(operator.redrive({ ids: [first?.id ?? ''] }, act)).rejects.toMatchObject(refused)
  await expect(operator.edit(first?.id ?? '', { body: '{}' }, act)).rejects.toMatchObject(refused)
  expect(await service.rows(`select from backstitch.audit_entry where target_id = $1`, [second?.id])).toEqual(
    [],
  )
  release()
  await noLetters()
  expect(await effects()).toEqual(['a-1', 'a-2'])
})

test('members side by side handle each letter once, and each key in its order', async () => {
  const { group, faults, effects, noLetters, operator, ...it } = world()
  const keys = Array.from({ length: 10 }, (_, n) => `k${n}`)
  const names = [1, 2, 3, 4, 5].flatMap((n) => keys.map((key) => `${key}-${n}`))
  for (const key of keys) faults.add(`${key}-1`)
  await it.publish(...names)
  const members = [it.member(), it.member(), it.member()]
  await started(...members)
  await it.drained()
  expect(await effects()).toEqual([])
  faults.clear()
  await operator.redrive({ filter: { group } }, act)
  await noLetters()
  const applied = await effects()
  expect(applied.toSorted()).toEqual(names.toSorted())
  for (const key of keys)
    expect(applied.filter((name) => name.startsWith(`${key}-`))).toEqual(
      [1, 2, 3, 4, 5].map((n) => `${key}-${n}`),
    )
})
