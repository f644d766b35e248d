import type pg from 'pg'
import { expect } from 'vitest'

/**
 * Checks the effects of a consumer in their plain table:
 * - I3 each message has its effect, once
 * - I4 those of a key were applied in the order of its commits
 */
export async function expectEffectsOnce(pool: pg.Pool, messageIds: readonly string[]): Promise<void> {
  const { rows } = await pool.query<{ id: string; key: string; n: number }>(
    'select message_id as id, key, n from effect order by at',
  )
  expect(rows.map(({ id }) => id).toSorted(), 'I3: each effect once').toEqual(messageIds.toSorted())
  for (const [key, effects] of Map.groupBy(rows, ({ key }) => key)) {
    const order = effects.map(({ n }) => n)
    expect(order, `I4: the order of the effects of ${key}`).toEqual(order.toSorted((a, b) => a - b))
  }
}
