import type pg from 'pg'
import { cards, initialBalance, initialStock, type Service } from './databases.ts'
import type { Fate } from './placed-order.ts'
import { readIds } from './topic.ts'

/** One statement about the whole run, and what was counted. */
export type Check = { readonly promise: string; readonly holds: boolean; readonly counted: string }

type Pools = Record<Service, { pool: pg.Pool }>

/** Looks into all databases and all topics whether the promises were kept. */
export async function runChecks(
  databases: Pools,
  brokers: readonly string[],
  fates: ReadonlyMap<string, Fate>,
): Promise<Check[]> {
  const expected = (fate: Fate): number => [...fates.values()].filter((one) => one === fate).length
  const shipped = expected('shipped')
  const numbers = async <Name extends string>(
    service: Service,
    sql: string,
  ): Promise<Record<Name, number>> => {
    const { rows } = await databases[service].pool.query<Record<Name, unknown>>(sql)
    return Object.fromEntries(
      Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]),
    ) as Record<Name, number>
  }

  const sagas = await numbers<'sagas' | 'completed' | 'compensated'>(
    'orders',
    `select count(*) filter (where status = 'completed') as completed, count(*) filter (where status = 'compensated') as compensated,
       count(*) as sagas, (select count(*) from orders) as orders from backstitch.saga_instance`,
  )
  const money = await numbers<'cards' | 'shop' | 'entries' | 'paid'>(
    'payment',
    `select (select sum(balance) from card) as cards, (select balance from shop) as shop,
       (select count(*) from entry) as entries, (select count(distinct order_id) from entry) as paid`,
  )
  const stock = await numbers<'on_hand' | 'skus' | 'reserved' | 'held' | 'twice'>(
    'stock',
    `select (select sum(on_hand) from stock_item) as on_hand, (select count(*) from stock_item where sku not like '%LIMITED') as skus,
       (select coalesce(sum(quantity), 0) from reservation where not released) as reserved,
       (select count(distinct order_id) from reservation where not released) as held,
       (select count(*) from (select from reservation group by order_id, sku having count(*) > 1) as twice) as twice`,
  )
  const parcels = await numbers<'sent' | 'orders'>(
    'shipping',
    'select count(*) as sent, count(distinct order_id) as orders from parcel',
  )
  const sales = await numbers<'orders'>('sales', 'select coalesce(sum(orders), 0) as orders from sale')
  const wire = await compareWithTopics(databases, brokers)
  const wrongFates = await countWrongFates(databases.orders.pool, fates)

  return [
    {
      promise: 'each order ended, completed or fully compensated',
      holds: sagas.sagas === fates.size && sagas.completed === shipped && wrongFates === 0,
      counted: `${sagas.completed} completed + ${sagas.compensated} compensated of ${fates.size}`,
    },
    {
      promise: 'money is conserved',
      holds: money.cards + money.shop === cards * initialBalance && money.paid === shipped,
      counted: `cards ${money.cards} + shop ${money.shop} = ${cards * initialBalance}`,
    },
    {
      promise: 'stock is conserved',
      holds: stock.on_hand + stock.reserved === stock.skus * initialStock && stock.held === shipped,
      counted: `on hand ${stock.on_hand} + sold ${stock.reserved} = ${stock.skus * initialStock}`,
    },
    {
      promise: 'no effect was applied twice',
      holds:
        money.entries === money.paid &&
        stock.twice === 0 &&
        parcels.sent === parcels.orders &&
        parcels.sent === shipped &&
        sales.orders === fates.size,
      counted: `${money.entries} payments, ${parcels.sent} parcels, ${sales.orders} orders counted downstream`,
    },
    {
      promise: 'every committed event is on its topic, and nothing else is',
      holds: wire.lost === 0 && wire.ghosts === 0,
      counted: `${wire.rows} rows, ${wire.lost} lost, ${wire.ghosts} ghosts, ${wire.duplicates} published twice`,
    },
  ]
}

async function countWrongFates(orders: pg.Pool, fates: ReadonlyMap<string, Fate>): Promise<number> {
  const { rows } = await orders.query<{ business_key: string; status: string }>(
    'select business_key, status from backstitch.saga_instance',
  )
  return rows.filter(
    ({ business_key, status }) =>
      (fates.get(business_key) === 'shipped' ? 'completed' : 'compensated') !== status,
  ).length
}

async function compareWithTopics(
  databases: Pools,
  brokers: readonly string[],
): Promise<{ rows: number; lost: number; ghosts: number; duplicates: number }> {
  const committed = new Set<string>()
  const topics = new Set<string>()
  for (const { pool } of Object.values(databases)) {
    const { rows } = await pool.query<{ id: string; aggregatetype: string }>(
      'select id, aggregatetype from backstitch.outbox',
    )
    for (const { id, aggregatetype } of rows) {
      committed.add(id)
      topics.add(`outbox.event.${aggregatetype}`)
    }
  }
  const onTopics = await readIds(brokers, [...topics])
  return {
    rows: committed.size,
    lost: [...committed].filter((id) => !onTopics.has(id)).length,
    ghosts: [...onTopics.keys()].filter((id) => !committed.has(id)).length,
    duplicates: [...onTopics.values()].filter((times) => times > 1).length,
  }
}
