import { createOutbox, type NotBefore } from 'backstitch'
import type pg from 'pg'
import { Counted } from './tally.ts'

const outbox = createOutbox({ service: 'tally' })

type WriteOptions = { readonly rows?: number; readonly note?: string; readonly notBefore?: NotBefore }

/** Writes {@link Counted} events as an application does: the key’s row is locked before anything is put into the outbox. */
export class TallyWriters {
  /** The ids of all that was committed, by key. */
  readonly committed = new Map<string, string[]>()
  readonly #pool: pg.Pool
  readonly #open = new Set<pg.PoolClient>()

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** Counts some keys up at the same time, over three connections; every tenth transaction is rolled back. */
  async wave(keys: readonly string[], each: number): Promise<void> {
    const work = Array.from({ length: each }, () => keys).flat()
    const writer = async (): Promise<void> => {
      for (let key = work.shift(); key !== undefined; key = work.shift()) {
        if (work.length % 10 === 9) await this.count(key, { rollBack: true })
        await this.count(key, { rows: 1 + (work.length % 3) })
      }
    }
    await Promise.all([writer(), writer(), writer()])
  }

  /** One transaction that counts a key up. */
  async count(key: string, options: WriteOptions & { readonly rollBack?: boolean } = {}): Promise<void> {
    const open = await this.begin(key, options)
    await (options.rollBack === true ? open.rollBack() : open.commit())
  }

  /** Counts a key up in a transaction that stays open. */
  async begin(
    key: string,
    { rows = 1, note = '', notBefore }: WriteOptions = {},
  ): Promise<{ commit(): Promise<void>; rollBack(): Promise<void> }> {
    const client = await this.#pool.connect()
    this.#open.add(client)
    await client.query('begin')
    const counted = await client.query<{ n: number }>(
      'insert into tally as t (key, n) values ($1, $2) on conflict (key) do update set n = t.n + $2 returning n',
      [key, rows],
    )
    const last = counted.rows[0]?.n ?? 0
    const messages = Array.from({ length: rows }, (_, row) =>
      Counted.create({ key, n: last - rows + row + 1, note }),
    )
    await outbox.enqueue(client, messages, notBefore === undefined ? {} : { notBefore })
    return {
      commit: async () => {
        await client.query('commit')
        this.#release(client)
        const ids = this.committed.get(key) ?? []
        this.committed.set(key, [...ids, ...messages.map(({ id }) => id)])
      },
      rollBack: async () => {
        await client.query('rollback')
        this.#release(client)
      },
    }
  }

  /** Lets go of what is still open. */
  close(): void {
    for (const client of this.#open) this.#release(client, true)
  }

  /** The ids of all that was committed, some keys left out. */
  ids(options: { readonly without?: string } = {}): string[] {
    return [...this.committed].flatMap(([key, ids]) => (key === options.without ? [] : ids))
  }

  #release(client: pg.PoolClient, broken = false): void {
    this.#open.delete(client)
    client.release(broken)
  }
}
