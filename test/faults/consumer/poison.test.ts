import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type OwnServices, startServices } from '../../../dev-services/index.ts'
import { until } from '../world/until.ts'
import { Belfry, type Ring } from './belfry.ts'
import type { Poison } from './bell.ts'

let services: OwnServices
beforeAll(async () => {
  services = await startServices({ own: true })
})
afterAll(() => services.stop())

const towers = ['a', 'b', 'c', 'd', 'e', 'f']
const perTower = 10
const all = Array.from({ length: perTower }, (_, n) => n)

/** Of each tower ten messages, and in the middle one that is poisoned, with one of its key before it and two behind. */
function ringsWith(poison: Poison): readonly Ring[] {
  const rings: Ring[] = all.flatMap((n) => towers.map((tower) => ({ tower, n })))
  const middle = rings.length / 2
  const own: Ring[] = [
    { tower: 'z', n: 0 },
    { tower: 'z', n: 1, poison },
    { tower: 'z', n: 2 },
    { tower: 'z', n: 3 },
  ]
  return [...rings.slice(0, middle), ...own, ...rings.slice(middle)]
}

/** How often it may end its process, and what is said of it. */
const ends: readonly (readonly [Poison, code: string, deathsMax: number, told: RegExp])[] = [
  ['throws', 'HANDLER_FAILED', 0, /it is rotten/],
  ['hangs', 'HANDLER_FAILED', 0, /did not end within/],
  ['exits', 'MESSAGE_KILLS', 3, /3 processes died with it/],
  ['exhausts memory', 'MESSAGE_KILLS', 3, /3 processes died with it/],
  ['blocks', 'MESSAGE_KILLS', 3, /3 processes died with it/],
]

describe.concurrent('a poisoned message', () => {
  test.for(ends)(
    'that %s becomes a dead letter, others of its partition go on, and once the handler is repaired it is applied once, in its place',
    async ([poison, code, deathsMax, told], { expect: expectHere, onTestFinished }) => {
      const belfry = await Belfry.open(services)
      onTestFinished(() => belfry.close())
      await belfry.publish(ringsWith(poison))
      const ringer = belfry.start()
      onTestFinished(({ task }) => {
        if (task.result?.state === 'fail') console.error(poison, ringer.deaths, ringer.log)
      })
      await until(
        'it is a dead letter',
        async () =>
          (await belfry.letters('dead')).length > 0 && (await belfry.letters('retrying')).length === 2,
        120_000,
      )
      await until(
        'the others are applied',
        async () => Object.values(await belfry.rung()).flat().length === 61,
      )
      expectHere(await belfry.rung()).toEqual({
        ...Object.fromEntries(towers.map((tower) => [tower, all])),
        z: [0],
      })
      const [letter] = await belfry.letters('dead')
      expectHere(letter).toMatchObject({ reason_code: code, n: 1, reason: expectHere.stringMatching(told) })
      expectHere(ringer.deaths.length).toBe(deathsMax)
      const calls = ringer.calls.filter(({ tower, n }) => tower === 'z' && n === 1)
      if (code === 'MESSAGE_KILLS') expectHere(calls).toHaveLength(3)
      // those behind it were never begun, and all of the others were done before its last kill
      expectHere(ringer.calls.some(({ tower, n }) => tower === 'z' && n > 1)).toBe(false)
      await ringer.stop()

      const repaired = belfry.start({ isFixed: true })
      await belfry.redriveAll()
      await until('the key has gone on', async () => (await belfry.rung())['z']?.length === 4, 60_000)
      await belfry.publish([{ tower: 'z', n: 4 }])
      await until('what comes next is applied', async () => (await belfry.rung())['z']?.length === 5)
      expectHere((await belfry.rung())['z']).toEqual([0, 1, 2, 3, 4])
      expectHere([await belfry.letters('dead'), await belfry.letters('retrying')]).toEqual([[], []])
      await repaired.stop()
      expectHere(repaired.deaths).toEqual([])
    },
  )

  test('that throws at first holds its key, and nothing else', async ({
    expect: expectHere,
    onTestFinished,
  }) => {
    const belfry = await Belfry.open(services)
    onTestFinished(() => belfry.close())
    await belfry.publish(ringsWith('throws at first'))
    const ringer = belfry.start()
    await until('all is applied', async () => Object.values(await belfry.rung()).flat().length === 64, 60_000)
    expectHere((await belfry.rung())['z']).toEqual([0, 1, 2, 3])
    expectHere([await belfry.letters('dead'), ringer.deaths]).toEqual([[], []])
    const later = ringer.calls.findIndex(({ tower, n, attempt }) => tower === 'z' && n === 1 && attempt === 3)
    const before = ringer.calls.slice(0, later)
    expectHere(before.filter(({ tower, n }) => tower === 'z' && n > 1)).toEqual([])
  })
})

test('three deployments by SIGKILL in the middle of the work make no dead letters (rule E36)', async ({
  onTestFinished,
}) => {
  const belfry = await Belfry.open(services)
  onTestFinished(() => belfry.close())
  await belfry.publish(all.flatMap((n) => towers.map((tower) => ({ tower, n }))))
  const ringer = belfry.start({ handlingMs: 300 })
  for (let deployment = 1; deployment <= 3; deployment++) {
    await until(
      'its handlers are at work',
      () => ringer.calls.some((call) => call.process === deployment),
      60_000,
    )
    ringer.signal('SIGKILL')
    await until('the next process runs', () => ringer.process === deployment + 1)
  }
  await until('all is applied', async () => Object.values(await belfry.rung()).flat().length === 60, 120_000)
  expect(await belfry.rung()).toEqual(Object.fromEntries(towers.map((tower) => [tower, all])))
  expect([await belfry.letters('dead'), await belfry.letters('retrying')]).toEqual([[], []])
})

test('a member that is frozen beyond its session confuses nobody: all is applied once, and nothing is a dead letter (rule E36)', async ({
  onTestFinished,
}) => {
  const belfry = await Belfry.open(services)
  onTestFinished(() => belfry.close())
  await belfry.publish(all.flatMap((n) => towers.map((tower) => ({ tower, n }))))
  const members = [belfry.start({ handlingMs: 200 }), belfry.start({ handlingMs: 200 })]
  const atWork = () => members.find((member) => member.calls.length > 3)
  await until('one of them has the partition', () => atWork() !== undefined, 60_000)
  const frozen = atWork()
  const other = members.find((member) => member !== frozen)
  frozen?.signal('SIGSTOP')
  await until('the other one works on', () => (other?.calls.length ?? 0) > 3, 60_000)
  frozen?.signal('SIGCONT')
  await until('all is applied', async () => Object.values(await belfry.rung()).flat().length === 60, 120_000)
  expect(await belfry.rung()).toEqual(Object.fromEntries(towers.map((tower) => [tower, all])))
  expect([await belfry.letters('dead'), await belfry.letters('retrying')]).toEqual([[], []])
  expect(members.flatMap(({ deaths }) => deaths)).toEqual([])
})
