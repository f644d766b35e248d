import { event, on } from 'backstitch'
import { z } from 'zod'

/** A key was counted up: its `n` tells the order of the commits of its key. */
export const Counted = event('tally.counted', {
  version: 1,
  key: ({ key }) => key,
  payload: z.object({ key: z.string(), n: z.int(), note: z.string() }),
})

/** What a consumer says of each {@link Counted}, on a topic of its own. */
const Noted = event('note.noted', {
  version: 1,
  key: ({ key }) => key,
  payload: z.object({ key: z.string(), n: z.int() }),
})

/** The counters, and the effects of a consumer: nothing in their table keeps an effect from being applied twice. */
export const tallyTables = `
create table tally (key text primary key, n integer not null);
create table effect (at bigint generated always as identity, message_id uuid not null, key text not null, n integer not null)`

/** A note that no handler can bear. */
export const poison = 'poison'

/** How often a message that cannot be handled is tried. */
export const retry = { attemptsMax: 2, backoff: { initialMs: 20, maxMs: 20, factor: 1 } }

/** Handles {@link Counted}: an effect, and a message of its own. */
export const tallyHandlers = [
  on(Counted, async ({ id, body }, { tx, enqueue }) => {
    const { key, n, note } = body
    await tx.query('insert into effect (message_id, key, n) values ($1, $2, $3)', [id, key, n])
    if (note === poison) throw new Error('this message cannot be handled')
    enqueue(Noted.create({ key, n }))
  }),
]
