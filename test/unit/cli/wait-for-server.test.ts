import { expect, test } from 'vitest'
import { waitForServer } from '../../../src/cli/wait-for-server.ts'
import type { Clock } from '../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../src/kernel/errors.ts'

/** Time passes only by pausing. */
const fakeClock = (): Clock & { readonly pauses: number[] } => {
  let now = 0
  const pauses: number[] = []
  return {
    pauses,
    now: () => now,
    pause: (ms) => {
      pauses.push(ms)
      now += ms
      return Promise.resolve()
    },
  }
}

const unreachable = (reason: string): BackstitchError =>
  new BackstitchError('DATABASE_UNREACHABLE', `db:5432/x: ${reason}`, { cause: new Error(reason) })

/** Answers one outcome after the other. */
const failing = (...reasons: readonly (Error | undefined)[]): (() => Promise<void>) => {
  const left = [...reasons]
  return () => {
    const next = left.shift()
    return next ? Promise.reject(next) : Promise.resolve()
  }
}

test('a server that answers is not spoken of', async () => {
  const told: string[] = []
  const attempt = (): Promise<string> => Promise.resolve('answer')
  expect(await waitForServer({ attempt, timeoutMs: 1_000, tell: (it) => told.push(it) })).toBe('answer')
  expect(told).toEqual([])
})

test('the reason is told at once, when it changes, and every ten seconds', async () => {
  const told: string[] = []
  const clock = fakeClock()
  const refused = Array.from({ length: 12 }, () => unreachable('refused'))
  const attempt = failing(...refused, unreachable('starting up'))
  await waitForServer({ attempt, clock, timeoutMs: 60_000, tell: (reason) => told.push(reason) })
  expect(clock.pauses.slice(0, 6)).toEqual([200, 400, 800, 1_600, 2_000, 2_000])
  expect(told).toEqual(['refused', 'refused', 'starting up'])
})

test('the last error is thrown once the time is up', async () => {
  const clock = fakeClock()
  const attempt = (): Promise<void> => Promise.reject(unreachable('refused'))
  await expect(
    waitForServer({ attempt, clock, timeoutMs: 1_000, tell: () => undefined }),
  ).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
  expect(clock.now()).toBe(1_000)
})

test('what trying again cannot help is thrown at once', async () => {
  const clock = fakeClock()
  const refused = new BackstitchError('DATABASE_REFUSED', 'no such user')
  await expect(
    waitForServer({ attempt: failing(refused), clock, timeoutMs: 1_000, tell: () => undefined }),
  ).rejects.toBe(refused)
  expect(clock.pauses).toEqual([])
})
