import type pg from 'pg'

/** Whether all these messages have an effect or are dead letters. */
export async function isAllHandled(pool: pg.Pool, messageIds: readonly string[]): Promise<boolean> {
  const { rows } = await pool.query<{ id: string }>(
    'select message_id as id from effect union select message_id from backstitch.dead_letter',
  )
  const handled = new Set(rows.map(({ id }) => id))
  return messageIds.every((id) => handled.has(id))
}

/** Whether the witness has seen every row of an outbox. */
export async function isAllSeen(pool: pg.Pool, ids: ReadonlySet<string>): Promise<boolean> {
  const { rows } = await pool.query<{ id: string }>('select id from backstitch.outbox')
  return rows.every(({ id }) => ids.has(id))
}
