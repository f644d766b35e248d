import { accounts, type BenchDatabase, type BenchWorld, onServer } from '../relay/bench-world.ts'

/** A database with an empty inbox, and with the two tables of an effect: a row updated and a row written for each message. */
export function consumerDatabase(world: BenchWorld): Promise<BenchDatabase> {
  return world.newDatabase(['outbox', 'inbox'], `create table effect (id uuid, v text); ${accounts}`)
}

/**
 * Refuses a run in which effects are missing or were applied twice: its figures would be worth nothing.
 * @throws Error
 */
export async function assertEffects(database: BenchDatabase, expected: number): Promise<void> {
  const { rows } = await onServer(database.url, (client) =>
    client.query<{ effects: string; ids: string; updates: string }>(
      `select count(*) as effects, count(distinct id) as ids, (select sum(n) from account) as updates from effect`,
    ),
  )
  const { effects, ids, updates } = rows[0]!
  if ([effects, ids, updates].some((count) => Number(count) !== expected))
    throw new Error(
      `of ${expected} messages there are ${effects} effects, of ${ids} ids, and ${updates} updates`,
    )
}
