import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { FaultStage } from '../world/fault-stage.ts'
import { readTopic } from '../world/read-topic.ts'
import { pause, until } from '../world/until.ts'

const leaseDurationMs = 1_000
let services: OwnServices
beforeAll(async () => {
  services = await startServices({ own: true })
})
afterAll(() => services.stop())

async function openStage(shards: number): Promise<FaultStage> {
  const stage = await FaultStage.open(services, { leaseDurationMs, shards })
  onTestFinished(() => stage.close())
  return stage
}

/** A backlog that is in the tables of the writers too, so that it is counted. */
const backlog = `with rows as (
  select 'backlog-' || n % 40 as key, 'backlog-' || n % 40 || ':' || n as body, n from generate_series(1, $1::integer) n
), written as (insert into fault_written (body) select body from rows)
insert into backstitch.outbox (aggregatetype, aggregateid, type, payload) select 'fault', key, 't', body from rows order by n`

describe.for([1, 2, 3])('a relay that is frozen for %i terms amid a backlog', (terms) => {
  test('sends no more once it wakes than it had handed to its driver, and moves no checkpoint (rule B13)', async () => {
    const rows = 40_000
    const stage = await openStage(1)
    const first = stage.startRelay()
    await until('the first one owns the outbox', () => first.state === 'running')
    const second = stage.startRelay()
    await until('the second one stands by', () => second.state === 'standby')
    await stage.pool.query(backlog, [rows])
    await stage.untilMore(2_000)
    first.signal('SIGSTOP')
    await pause(terms * leaseDurationMs)
    // for one term nobody may have come yet, and the first one may go on
    if (terms > 1) await until('it is replaced', () => second.state === 'running')
    first.signal('SIGCONT')
    expect(await stage.brokenPromises()).toEqual([])
    const bodies = (await readTopic(services.kafka.brokers, stage.topic)).map(({ body }) => body)
    // two pages were under way and not saved, and each of two publishers had a batch at its driver
    expect(bodies.length - new Set(bodies).size).toBeLessThanOrEqual(4_000)
    const { rows: epochs } = await stage.pool.query<{ turned: string }>(
      `select count(*) as turned from (select epoch, lag(epoch) over (order by number) as before from backstitch.outbox_checkpoint) c where epoch < before`,
    )
    expect(epochs).toEqual([{ turned: '0' }])
  })
})

test('processes share eight shards fairly within seconds, whether one comes, is killed, freezes or wakes', async () => {
  const stage = await openStage(8)
  const shares = async (): Promise<string> => {
    const { rows } = await stage.pool.query<{ n: number }>(
      `select count(*)::integer as n from (
         select distinct on (shard) * from backstitch.outbox_checkpoint order by shard, number desc
       ) c where owner is not null and lease_until > clock_timestamp() group by owner order by n desc`,
    )
    return rows.map(({ n }) => n).join()
  }
  const untilShared = (expected: string): Promise<void> =>
    until(`they have ${expected}`, async () => (await shares()) === expected, 20_000)
  const relays = [stage.startRelay()]
  stage.startWriters('shared', { keys: 12, perSecond: 100 })
  await untilShared('8')
  relays.push(stage.startRelay())
  await untilShared('4,4')
  relays.push(stage.startRelay())
  await untilShared('3,3,2')
  await relays.shift()?.kill()
  await untilShared('4,4')
  const newcomer = stage.startRelay()
  relays.push(newcomer)
  await untilShared('3,3,2')
  newcomer.signal('SIGSTOP')
  await untilShared('4,4')
  newcomer.signal('SIGCONT')
  await untilShared('3,3,2')
  await stage.untilMore(100)
  expect(await stage.brokenPromises()).toEqual([])
})
