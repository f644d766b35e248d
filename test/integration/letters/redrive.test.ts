import { expect, test } from 'vitest'
import { z } from 'zod'
import { deadLetterOf } from '../../../src/inbox/dead-letter.ts'
import { newId } from '../../../src/kernel/ids.ts'
import { command } from '../../../src/message/command.ts'
import { pgLetterStore } from '../../../src/postgres/inbox/pg-letter-store.ts'
import { pgDatabase } from '../../../src/postgres/pg-database.ts'
import { pgInboxStore } from '../../../src/postgres/pg-inbox-store.ts'
import { createParticipant } from '../../../src/runtime/create-participant.ts'
import { handle } from '../../../src/saga/participant/command-handler.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { recordWith } from '../../unit/inbox/records.ts'
import { publish, started, until, untilDrained } from '../inbox/topic-feed.ts'
import { send } from '../participant/saga-commands.ts'
import { act, letterWorlds, topic } from './letter-world.ts'

const { service, world } = letterWorlds()

test('later messages of a dead letter’s key join it; redriven, all take effect once, in the order of the key', async () => {
  const { group, faults, effects, letters, noLetters, operator, drained, member, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1', 'a-2', 'b-1', 'a-3')
  await started(member())
  await drained()
  expect(await effects()).toEqual(['b-1'])
  expect(await letters()).toMatchObject([
    {
      group,
      key: { text: 'a' },
      code: 'HANDLER_FAILED',
      state: 'dead',
      isHead: true,
      attempts: 2,
      order: 'key',
    },
    { code: 'KEY_HELD', state: 'retrying', isHead: false, attempts: 0 },
    { code: 'KEY_HELD', state: 'retrying', isHead: false, attempts: 0 },
  ])
  faults.clear()
  await it.publish('a-4')
  await drained()
  const [first] = await letters()
  await operator.redrive({ ids: [first?.id ?? ''] }, act)
  await noLetters()
  expect(await effects()).toEqual(['b-1', 'a-1', 'a-2', 'a-3', 'a-4'])
  await it.publish('a-5')
  await drained()
  expect(await effects()).toEqual(['b-1', 'a-1', 'a-2', 'a-3', 'a-4', 'a-5'])
})

test('a redrive that fails leaves the letter dead again, and what stands behind it waiting', async () => {
  const { group, faults, effects, letters, noLetters, operator, seen, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1', 'a-2')
  await started(it.member())
  await it.drained()
  await operator.redrive({ filter: { group } }, act)
  await until('the redrive to have failed', async () => (await letters())[0]?.attempts === 4)
  await until('it to be dead', async () => (await letters())[0]?.state === 'dead')
  expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2])
  expect(await letters()).toMatchObject([{ reason: 'a-1 is broken' }, { code: 'KEY_HELD' }])
  expect(await effects()).toEqual([])
  // The one behind it fails in its turn: it is the head of the line then, and dead.
  faults.clear()
  faults.add('a-2')
  await operator.redrive({ all: true }, act)
  await until('the next one to be dead', async () => (await letters())[0]?.state === 'dead')
  expect(await letters()).toMatchObject([{ code: 'HANDLER_FAILED', reason: 'a-2 is broken', isHead: true }])
  expect(await effects()).toEqual(['a-1'])
  faults.clear()
  await operator.redrive({ filter: { key: 'a', group } }, act)
  await noLetters()
  expect(await effects()).toEqual(['a-1', 'a-2'])
})

test('a letter that is dropped lets those behind it go on; one in the middle leaves the line as it is', async () => {
  const { group, faults, effects, letters, noLetters, operator, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1', 'a-2', 'a-3', 'a-4')
  await started(it.member())
  await it.drained()
  const [first, , third] = await letters()
  await operator.drop({ ids: [third?.id ?? ''] }, act)
  expect((await letters()).map(({ isHead }) => isHead)).toEqual([true, false, false])
  expect(await effects()).toEqual([])
  await operator.drop({ filter: { group, code: 'HANDLER_FAILED' } }, act)
  await noLetters()
  expect(await effects()).toEqual(['a-2', 'a-4'])
  await expect(operator.show(first?.id ?? '')).rejects.toMatchObject({ code: 'LETTER_NOT_FOUND' })
})

test('an edited letter is another message in the place of the old one, with a new id and the old one as its cause', async () => {
  const { faults, effects, letters, noLetters, operator, seen, ...it } = world()
  faults.add('a-1')
  const [id] = await it.publish('a-1', 'a-2')
  await started(it.member())
  await it.drained()
  const [first] = await letters()
  const change = { body: JSON.stringify({ name: 'a-good' }), headers: { tenant: 'eu' } }
  const dry = await operator.edit(first?.id ?? '', change, act, { dryRun: true })
  expect(dry.after).toMatchObject({ body: { text: change.body } })
  expect((await letters())[0]).toEqual(first)
  const { after } = await operator.edit(first?.id ?? '', change, act)
  await noLetters()
  expect(await effects()).toEqual(['a-good', 'a-2'])
  expect(seen.find(({ name }) => name === 'a-good')?.id).toBe(after.messageId)
  expect(after.messageId).not.toBe(id)
  expect(after.headers).toEqual(
    expect.arrayContaining([
      { name: 'id', text: after.messageId },
      { name: 'causation-id', text: id },
      { name: 'tenant', text: 'eu' },
      { name: 'type', text: 'order.placed' },
    ]),
  )
  expect(after.headers.filter(({ name }) => name === 'id')).toHaveLength(1)
})

test('an id that is used for another body is told, and never applied (edited, it is a message of its own)', async () => {
  const { effects, letters, noLetters, operator, group, ...it } = world()
  const id = newId()
  const record = { topic, type: 'order.placed', id }
  await publish(it.transport, [
    { ...record, value: { name: 'a-1' } },
    { ...record, value: { name: 'a-2' } },
    { ...record, value: { name: 'a-1' } },
    { ...record, value: { name: 'a-2' } },
    { topic, type: 'order.placed', value: { name: 'b-1' } },
  ])
  await started(it.member())
  await it.drained()
  expect((await effects()).toSorted()).toEqual(['a-1', 'b-1'])
  const [reused, ...others] = await letters()
  expect(others).toEqual([])
  expect(reused).toMatchObject({ code: 'MESSAGE_ID_REUSED', attempts: 0, state: 'dead' })
  expect(reused?.messageId).not.toBe(id)
  await expect(operator.redrive({ ids: [reused?.id ?? ''] }, act)).rejects.toMatchObject({
    code: 'LETTER_STATE_REFUSES',
  })
  await expect(operator.redrive({ filter: { group } }, act)).rejects.toMatchObject({
    code: 'LETTER_NOT_FOUND',
  })
  await operator.edit(reused?.id ?? '', { headers: { corrected: 'yes' } }, act)
  await noLetters()
  expect((await effects()).toSorted()).toEqual(['a-1', 'a-2', 'b-1'])
})

test('what is tried again beside its key is handled when it is due, and holds nothing back', async () => {
  const { group, effects, noLetters, ...it } = world()
  await started(it.member())
  const inbox = pgInboxStore('backstitch')
  const dueAtMs = Date.now() + 400
  const letter = deadLetterOf(
    recordWith({
      key: 'a',
      value: { name: 'a-1' },
      headers: { id: newId(), type: 'order.placed', version: '1' },
    }),
    {
      group,
      messageId: newId(),
      thrown: new Error('x'),
      attempts: 1,
      state: 'retrying',
      dueAtMs,
      order: 'none',
    },
  )
  await pgDatabase(service.pool()).transaction((tx) => inbox.bury(tx, letter))
  await it.publish('a-2')
  await it.drained()
  expect(await effects()).toEqual(['a-2'])
  await noLetters()
  expect(Date.now()).toBeGreaterThanOrEqual(dueAtMs - 5)
  expect(await effects()).toEqual(['a-2', 'a-1'])
})

test('letters are redriven at the rate that was asked for, those behind them too', async () => {
  const { group, faults, letters, operator, ...it } = world()
  faults.add('a-1').add('b-1')
  await it.publish('a-1', 'a-2', 'b-1')
  const part = it.member()
  await part.start()
  await it.drained()
  await part.stop()
  const options = { ratePerSecond: 0.1 }
  expect(await operator.redrive({ filter: { group } }, act, { ...options, dryRun: true })).toMatchObject({
    behindOthers: 1,
  })
  const { ids } = await operator.redrive({ filter: { group } }, act, options)
  expect(ids).toHaveLength(3)
  const due = (await letters()).map(({ dueAt }) => dueAt?.getTime() ?? 0)
  expect(due.map((ms) => Math.round((ms - (due[0] ?? 0)) / 1_000))).toEqual([0, 10, 20])
})

test('a letter whose process dies in the middle is tried again after its lease, and dead when that happens each time', async () => {
  const { group, faults, effects, letters, operator, seen, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1')
  const part = it.member()
  await part.start()
  await it.drained()
  await part.stop()
  faults.clear()
  const [first] = await letters()
  const store = pgLetterStore('backstitch')
  const database = pgDatabase(service.pool())
  const dies = () => database.transaction((tx) => store.takeDue(tx, group, { limit: 5, leaseMs: 100 }))
  await operator.redrive({ ids: [first?.id ?? ''] }, act)
  expect(await dies()).toMatchObject([{ tries: 1 }])
  expect(await dies()).toEqual([])
  await until('the lease to be over', async () => (await dies()).length === 1)
  seen.length = 0
  await started(it.member())
  await until('it to be dead', async () => (await letters())[0]?.state === 'dead')
  expect(seen).toEqual([])
  expect(await effects()).toEqual([])
  expect((await letters())[0]?.code).toBe('MESSAGE_KILLS')
})

test('letters whose message cannot be read, or whose handler is gone, stay dead with that as their reason', async () => {
  const { group, letters, operator, ...it } = world()
  await publish(it.transport, [{ topic, type: 'order.placed', value: { name: 5 } }])
  await started(it.member())
  await it.drained()
  const [first] = await letters()
  await operator.redrive({ filter: { group } }, act)
  await until('it to be dead again', async () => {
    const [now] = await letters()
    return now?.state === 'dead' && now.attempts === 1
  })
  expect(await letters()).toMatchObject([{ code: 'MESSAGE_MALFORMED', id: first?.id }])
})

test('the letters of a participant hold back nothing, and are redriven beside the others', async () => {
  const { group, letters, noLetters, operator } = world()
  const request = z.object({ name: z.string() })
  const Reserve = command('stock.reserve', { version: 1, key: () => 'k', request, ok: z.object({}) })
  const commands = 'outbox.event.stock.command'
  const transport = inMemoryTransport({ topics: { [commands]: 1 } })
  let isFixed = false
  await started(
    createParticipant({
      database: service.pool(),
      transport,
      service: 'stock',
      group,
      retry: { attemptsMax: 1, backoff: { initialMs: 1, maxMs: 1, factor: 1 } },
      handlers: [
        handle(Reserve, async ({ name }, { tx, ok }) => {
          await tx.query('insert into effect (name) values ($1)', [`${group}/${name}`])
          if (name === 'first' && !isFixed) throw new Error('not fixed yet')
          return ok({})
        }),
      ],
    }),
  )
  const [sagaId, other] = [newId(), newId()]
  await send(transport, commands, [
    { type: 'stock.reserve', request: { name: 'first' }, sagaId },
    { type: 'stock.reserve', request: { name: 'second' }, sagaId, step: 'more' },
    { type: 'stock.reserve', request: { name: 'third' }, sagaId: other },
  ])
  await untilDrained(transport, group, commands)
  const effects = async () => (await service.effects()).filter((name) => name.startsWith(group))
  expect((await effects()).toSorted()).toEqual([`${group}/second`, `${group}/third`])
  expect(await letters()).toMatchObject([{ order: 'none', key: { text: sagaId } }])
  isFixed = true
  await operator.redrive({ filter: { group } }, act)
  await noLetters()
  expect((await effects()).toSorted()).toEqual([`${group}/first`, `${group}/second`, `${group}/third`])
  const replies = await service.rows(`select from backstitch.outbox where aggregateid = $1`, [sagaId])
  expect(replies).toHaveLength(2)
})

test('the letters of an orchestrator are dropped, not redriven', async () => {
  const { group, faults, letters, operator, ...it } = world()
  faults.add('a-1')
  await it.publish('a-1')
  const part = it.member()
  await part.start()
  await it.drained()
  await part.stop()
  await service.rows(
    `insert into backstitch.inbox_group (consumer_group, kind, topics, retention_ms) values ($1, 'orchestrator', '{}', 1)
     on conflict (consumer_group) do update set kind = excluded.kind`,
    [group],
  )
  const [first] = await letters()
  const ids = [first?.id ?? '']
  await expect(operator.redrive({ ids }, act)).rejects.toMatchObject({ code: 'LETTER_STATE_REFUSES' })
  await expect(operator.edit(ids[0] ?? '', { body: '{}' }, act)).rejects.toMatchObject({
    code: 'LETTER_STATE_REFUSES',
  })
  await expect(operator.redrive({ filter: { group } }, act)).rejects.toMatchObject({
    code: 'LETTER_NOT_FOUND',
  })
  expect(await operator.drop({ ids }, act)).toMatchObject({ ids })
})
