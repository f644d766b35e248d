import { type BenchDatabase, type BenchWorld, onServer } from './bench-world.ts'

/** A full outbox that is read by none itself but by its copies, and slots that are older than its rows. */
export type Backlog = { readonly database: BenchDatabase; readonly slots: string[]; readonly rows: number }

/** Writes `rows` messages of about 300 bytes over 10,000 keys, so many a transaction. Each `n` says the place in the order of commits. */
export async function writeBacklog(
  world: BenchWorld,
  { rows, rowsPerTransaction, slots }: { rows: number; rowsPerTransaction: number; slots: number },
): Promise<Backlog> {
  const database = await world.emptyDatabase()
  const names: string[] = []
  for (let n = 0; n < slots; n++) names.push(await world.addSlot(database, n))
  await onServer(database.url, async (client) => {
    await client.query(`set synchronous_commit = off`)
    await client.query(
      `create procedure fill(total integer, each integer) language plpgsql as $$
       begin
         for start in 0..total - 1 by each loop
           insert into backstitch.outbox (aggregatetype, aggregateid, type, payload)
           select 'bench', 'order-' || (g % 10000), 'bench.written', '{"n":' || g || ',"pad":"' || repeat('x', 280) || '"}'
           from generate_series(start, least(start + each, total) - 1) as g;
           commit;
         end loop;
       end $$`,
    )
    await client.query(`call fill(${rows}, ${rowsPerTransaction})`)
    await client.query('vacuum analyze backstitch.outbox')
    await client.query('checkpoint')
  })
  return { database, slots: names, rows }
}
