import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { FaultStage } from '../world/fault-stage.ts'
import { pause, until } from '../world/until.ts'

const leaseDurationMs = 1_000
let services: OwnServices
beforeAll(async () => {
  services = await startServices({ own: true })
})
afterAll(() => services.stop())

async function openStage(shards: number = 1): Promise<FaultStage> {
  const stage = await FaultStage.open(services, { leaseDurationMs, shards })
  onTestFinished(() => stage.close())
  return stage
}

describe.for([1, 2, 3])('a relay process that is frozen for %i terms of its lease', (terms) => {
  test('goes on by itself where it is the only one', async () => {
    const stage = await openStage()
    const relay = stage.startRelay()
    stage.startWriters('alone')
    await stage.untilMore(100)
    relay.signal('SIGSTOP')
    await pause(terms * leaseDurationMs)
    relay.signal('SIGCONT')
    await stage.untilMore(100)
    expect(await stage.brokenPromises()).toEqual([])
  })

  test('is replaced by another, and does no harm when it wakes (rules B13, B14)', async () => {
    const stage = await openStage()
    const owner = stage.startRelay()
    await until('the first one owns the outbox', () => owner.state === 'running')
    const other = stage.startRelay()
    await until('the second one stands by', () => other.state === 'standby')
    stage.startWriters('owner')
    await stage.untilMore(100)
    owner.signal('SIGSTOP')
    await pause(terms * leaseDurationMs)
    if (terms > 1) await until('it is replaced', () => other.state === 'running', 10_000)
    owner.signal('SIGCONT')
    await until('one of them works and the other stands by', () =>
      [owner, other]
        .map(({ state }) => state)
        .toSorted()
        .every((state, n) => state === ['running', 'standby'][n]),
    )
    await stage.untilMore(100)
    expect(await stage.brokenPromises()).toEqual([])
  })
})

/** `MINUTES=5` for the long run. */
const roundsMin = Number(process.env['MINUTES'] ?? 0) * 12

test.each([1, 8])(
  'of three relays over %i shards one is killed again and again, whether it works or stands by',
  async (shards) => {
    const stage = await openStage(shards)
    const relays = [stage.startRelay(), stage.startRelay(), stage.startRelay()]
    stage.startWriters('killed', { keys: 8 })
    await stage.untilMore(100)
    for (let round = 0; round < Math.max(5, roundsMin); round++) {
      const victim = relays.shift()
      await victim?.kill()
      relays.push(stage.startRelay())
      await stage.untilMore(100)
      if (roundsMin > 0) await pause(3_000)
    }
    expect(await stage.brokenPromises()).toEqual([])
  },
  180_000 + Math.max(0, roundsMin) * 30_000,
)
