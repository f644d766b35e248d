import { expect, test } from 'vitest'
import { z } from 'zod'
import { newId } from '../../../src/kernel/ids.ts'
import { command } from '../../../src/message/command.ts'
import { createParticipant } from '../../../src/runtime/create-participant.ts'
import { type CommandHandler, handle } from '../../../src/saga/participant/command-handler.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { uniqueName } from '../../support/services.ts'
import { serviceDatabase } from '../inbox/service-database.ts'
import { started, until, untilDrained } from '../inbox/topic-feed.ts'
import { send, type Sent } from './saga-commands.ts'

const request = z.object({ orderId: z.string() })
const Reserve = command('stock.reserve', { version: 1, key: (r) => r.orderId, request, ok: z.object({}) })
const Release = command('stock.release', { version: 1, key: (r) => r.orderId, request, ok: z.object({}) })
const topic = 'outbox.event.stock.command'
const database = serviceDatabase({ max: 20 })

/** A member of the service with a topic of its own: what two members of one group hold, without their rebalancing. */
async function member(group: string, handlers: readonly CommandHandler[], commands: readonly Sent[]) {
  const transport = inMemoryTransport({ topics: { [topic]: 4 } })
  await send(transport, topic, commands)
  const participant = createParticipant({
    database: database.pool(),
    transport,
    service: 'stock',
    group,
    handlers,
  })
  return { transport, participant }
}

const noting = (name: string) =>
  [Reserve, Release].map((contract) =>
    handle(contract, async ({ orderId }, { tx, ok }) => {
      await tx.query('insert into effect (name) values ($1)', [`${name} ${contract.name} ${orderId}`])
      return ok({})
    }),
  )

test('an undo waits for the forward command that another member is carrying out, and then undoes it', async () => {
  const group = uniqueName('group')
  const [sagaId, orderId] = [newId(), newId()]
  const inside = Promise.withResolvers<void>()
  const finish = Promise.withResolvers<void>()
  const slow = handle(Reserve, async (_, { tx, ok }) => {
    await tx.query('insert into effect (name) values ($1)', [`slow stock.reserve ${orderId}`])
    inside.resolve()
    await finish.promise
    return ok({})
  })
  const one = await member(group, [slow], [{ type: 'stock.reserve', request: { orderId }, sagaId }])
  const other = await member(group, noting('fast'), [
    { type: 'stock.release', request: { orderId }, sagaId, direction: 'undo' },
  ])
  await started(one.participant)
  await inside.promise
  await started(other.participant)
  await until('the undo to stand in line', async () => {
    const waiting = await database.rows(
      `select from pg_locks join pg_database on pg_database.oid = pg_locks.database
       where datname = current_database() and locktype = 'advisory' and not granted`,
    )
    return waiting.length === 1
  })
  finish.resolve()
  await untilDrained(one.transport, group, topic)
  await untilDrained(other.transport, group, topic)
  expect((await database.effects()).filter((name) => name.endsWith(orderId))).toEqual([
    `slow stock.reserve ${orderId}`,
    `fast stock.release ${orderId}`,
  ])
})

test('forward command and undo at once, in hundreds of sagas: nothing is left done, and nothing is undone that was not done', async () => {
  const group = uniqueName('group')
  const sagas = Array.from({ length: 200 }, () => ({ sagaId: newId(), orderId: newId() }))
  const commands = (direction: 'do' | 'undo', attempt: number): Sent[] =>
    sagas.map(({ sagaId, orderId }, index) => ({
      type: direction === 'do' ? 'stock.reserve' : 'stock.release',
      request: { orderId },
      sagaId,
      direction,
      attempt,
      partition: index % 4,
    }))
  const members = [
    await member(group, noting('race'), [...commands('do', 1), ...commands('undo', 2)]),
    await member(group, noting('race'), [...commands('undo', 1), ...commands('do', 2)]),
    await member(group, noting('race'), commands('do', 3)),
  ]
  await started(...members.map(({ participant }) => participant))
  for (const { transport } of members) await untilDrained(transport, group, topic)

  const outcomes = new Map<string, number>()
  const effects = (await database.effects()).filter((name) => name.startsWith('race'))
  for (const { orderId } of sagas) {
    const own = effects.filter((name) => name.endsWith(orderId)).map((name) => name.split(' ')[1])
    outcomes.set(own.join(), (outcomes.get(own.join()) ?? 0) + 1)
  }
  // Either refused after the undo, or done and then undone; never the one without the other, never twice.
  expect(
    [...outcomes.keys()].toSorted().filter((each) => each !== '' && each !== 'stock.reserve,stock.release'),
  ).toEqual([])
  const replies = await database.rows<{ n: string }>(
    'select count(*) as n from backstitch.outbox where saga_id = any($1)',
    [sagas.map(({ sagaId }) => sagaId)],
  )
  expect(Number(replies[0]?.n)).toBe(1_000)
})
