import { expect } from 'vitest'
import { z } from 'zod'
import { on } from '../../../src/inbox/events/event-subscription.ts'
import { event } from '../../../src/message/event.ts'
import { type ConsumerOptions, createConsumer } from '../../../src/runtime/create-consumer.ts'
import { createLetterOperator } from '../../../src/runtime/operators/letter-operator.ts'
import { inMemoryTransport } from '../../../src/transport/in-memory-transport.ts'
import { uniqueName } from '../../support/services.ts'
import { serviceDatabase } from '../inbox/service-database.ts'
import { publish, until, untilDrained } from '../inbox/topic-feed.ts'

const Placed = event('order.placed', {
  version: 1,
  key: (order) => order.name,
  payload: z.object({ name: z.string() }),
})
export const topic = 'outbox.event.order'
export const act = { actor: 'ann', reason: 'the bug is fixed' }

/**
 * A group with its database and its topic. What its handler does with a message is decided by `faults`: a name that is in it throws, and one
 * that is in `gates` waits. What is applied is noted in the table `effect`, as `<group>/<name>`.
 */
export function letterWorlds() {
  const service = serviceDatabase({ max: 12 })
  return {
    service,
    world: () => {
      const group = uniqueName('group')
      const transport = inMemoryTransport({ topics: { [topic]: 2 } })
      const faults = new Set<string>()
      const gates = new Map<string, { readonly entered: () => void; readonly open: Promise<void> }>()
      const seen: { readonly id: string; readonly name: string; readonly attempt: number }[] = []
      const handler = on(Placed, async ({ id, body: { name } }, { tx, attempt }) => {
        seen.push({ id, name, attempt })
        await tx.query('insert into effect (name) values ($1)', [`${group}/${name}`])
        const gate = gates.get(name)
        gate?.entered()
        await gate?.open
        if (faults.has(name)) throw new Error(`${name} is broken`)
      })
      const operator = createLetterOperator({ database: service.pool() })
      return {
        group,
        faults,
        seen,
        transport,
        operator,
        member: (options: Partial<ConsumerOptions> = {}) =>
          createConsumer({
            database: service.pool(),
            transport,
            group,
            handlers: [handler],
            retry: { attemptsMax: 2, backoff: { initialMs: 1, maxMs: 1, factor: 1 } },
            ...options,
          }),
        /** Messages with the key that stands before the dash of their name: `k-1`. */
        publish: (...names: readonly string[]) =>
          publish(
            transport,
            names.map((name) => ({ topic, type: 'order.placed', value: { name }, key: keyOf(name) })),
          ),
        drained: () => untilDrained(transport, group, topic),
        /** The handler waits in the middle of a message until it is released. */
        gate: (name: string) => {
          const entered = Promise.withResolvers<void>()
          const open = Promise.withResolvers<void>()
          gates.set(name, { entered: entered.resolve, open: open.promise })
          return { entered: entered.promise, release: () => open.resolve() }
        },
        effects: async () =>
          (await service.effects())
            .filter((name) => name.startsWith(`${group}/`))
            .map((name) => name.slice(group.length + 1)),
        letters: () => operator.list({ group, limit: 1_000 }),
        noLetters: async () => {
          await until('the letters to be handled', async () => (await operator.list({ group })).length === 0)
          expect(
            await service.rows('select from backstitch.dead_letter_key where consumer_group = $1', [group]),
          ).toEqual([])
        },
      }
    },
  }
}

function keyOf(name: string): string {
  return name.split('-')[0] ?? name
}
