import type pg from 'pg'
import type { TopicWitness } from './topic-witness.ts'

/** Tells what an outbox has that a witness has not seen, and where its relay stands: for a test that has waited in vain. */
export async function outboxReport(pool: pg.Pool, witness: TopicWitness): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    'select seq, xid, id, aggregatetype, aggregateid, created_at from backstitch.outbox order by seq',
  )
  const checkpoints = await pool.query(
    'select number, epoch, owner, previous, current, position, walk_from, low_water, sequence_high, saved_at from backstitch.outbox_checkpoint order by number desc limit 40',
  )
  return [
    ...(await witness.progress()).map(({ place, read, end }) => `${place}: read up to ${read} of ${end}`),
    `${rows.length} rows, not seen:`,
    ...rows.filter(({ id }) => !witness.ids.has(id)).map((row) => JSON.stringify(row)),
    'the last checkpoints:',
    ...checkpoints.rows.map((row) => JSON.stringify(row)),
  ].join('\n')
}
