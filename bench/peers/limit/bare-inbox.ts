import { Client } from 'pg'

/** What one message does: a row written, and a row of `account` updated. */
export type BareEffect = { readonly id: string; readonly account: number }

/** A plain inbox over a few connections: claims and effects in one statement for many messages, or in named statements for one, all of a transaction sent at once. */
export class BareInbox {
  readonly #free: Client[]
  readonly #waiting: ((client: Client) => void)[] = []

  private constructor(clients: Client[]) {
    this.#free = clients
  }

  static async open(url: string, connections: number): Promise<BareInbox> {
    const clients = await Promise.all(
      Array.from({ length: connections }, async () => {
        const client = new Client({ connectionString: url, pipeline: true })
        await client.connect()
        await client.query('set plan_cache_mode = force_generic_plan')
        return client
      }),
    )
    await clients[0]!.query(
      'create table bare_inbox (grp text, id uuid, at timestamptz default now(), primary key (grp, id))',
    )
    return new BareInbox(clients)
  }

  async applyMany(effects: readonly BareEffect[]): Promise<void> {
    await this.#inTransaction((client) => [
      client.query({
        name: 'many',
        text: `with r as materialized (select * from jsonb_to_recordset($1::jsonb) as x(id uuid, account integer) order by id),
  n as (insert into bare_inbox (grp, id) select 'g', id from r on conflict do nothing returning id),
  e as (insert into effect select r.id, 'x' from r join n using (id)),
  a as (select account, count(*) as c from r join n using (id) group by account order by account)
update account set n = n + a.c from a where account.id = a.account`,
        values: [JSON.stringify(effects)],
      }),
    ])
  }

  async applyOne({ id, account }: BareEffect): Promise<void> {
    await this.#inTransaction((client) => [
      client.query({
        name: 'claim',
        text: `insert into bare_inbox (grp, id) values ('g', $1) on conflict do nothing returning id`,
        values: [id],
      }),
      client.query({
        name: 'update',
        text: 'update account set n = n + 1 where id = $1',
        values: [account],
      }),
      client.query({ name: 'insert', text: `insert into effect values ($1, 'x')`, values: [id] }),
    ])
  }

  async #inTransaction(statements: (client: Client) => Promise<unknown>[]): Promise<void> {
    const client = this.#free.pop() ?? (await new Promise<Client>((resolve) => this.#waiting.push(resolve)))
    try {
      await Promise.all([
        client.query({ name: 'begin', text: 'begin' }),
        ...statements(client),
        client.query({ name: 'commit', text: 'commit' }),
      ])
    } finally {
      const next = this.#waiting.shift()
      if (next) next(client)
      else this.#free.push(client)
    }
  }
}
