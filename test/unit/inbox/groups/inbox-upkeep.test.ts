import { expect, test, vi } from 'vitest'
import type { GroupStore } from '../../../../src/inbox/groups/group-store.ts'
import { inboxUpkeep } from '../../../../src/inbox/groups/inbox-upkeep.ts'
import { never } from '../../../../src/inbox/groups/progress-machine.ts'
import { systemClock } from '../../../../src/kernel/clock.ts'
import type { Database } from '../../../../src/kernel/database.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import type { SqlExecutor } from '../../../../src/kernel/sql-executor.ts'
import { inMemoryTransport } from '../../../../src/transport/in-memory-transport.ts'
import type { TransportAdmin } from '../../../../src/transport/admin.ts'

const database: Database = {
  transaction: (work) => work({} as SqlExecutor),
}

function upkeep(change: Partial<GroupStore>, admin: Partial<TransportAdmin> = {}) {
  const calls: string[] = []
  const store: GroupStore = {
    enrol: () => Promise.resolve(1),
    progress: () =>
      Promise.resolve({ committed: {}, marks: {}, markedAt: null, passedAt: never, now: 'now' }),
    saveProgress: (_tx, _group, before, next) => {
      calls.push(`marked ${String(before.markedAt)} → ${String(next.markedAt)}`)
      return Promise.resolve()
    },
    takeTurn: () => Promise.resolve(true),
    retireLeaf: () => {
      const done = calls.includes('emptied') ? undefined : 'emptied'
      calls.push(done ?? 'no leaf left')
      return Promise.resolve(done)
    },
    defaultBlocks: () => Promise.resolve(600),
    sweepDefault: (_tx, first, blocks) => {
      calls.push(`swept ${first} + ${blocks}`)
      return Promise.resolve(1)
    },
    ...change,
  }
  const kept = inboxUpkeep({
    group: 'billing',
    topics: ['order'],
    database,
    store,
    admin: () => ({ ...inMemoryTransport().admin(), ...admin }),
    addLeaves: () => {
      calls.push('leaves')
      return Promise.resolve()
    },
    intervalMs: 1,
    logger: silentLogger,
    clock: systemClock,
  })
  return { calls, kept }
}

test('it notes the progress, makes leaves, retires the old ones, and sweeps the default partition in chunks', async () => {
  const { calls, kept } = upkeep({})
  kept.start()
  kept.start()
  await vi.waitFor(() => expect(calls).toContain('swept 512 + 256'))
  await kept.stop()
  expect(calls.slice(0, 7)).toEqual([
    'marked null → now',
    'leaves',
    'emptied',
    'no leaf left',
    'swept 0 + 256',
    'swept 256 + 256',
    'swept 512 + 256',
  ])
})

test('what fails is tried again, and holds up nothing else', async () => {
  let failures = 0
  const { calls, kept } = upkeep({
    progress: () => {
      failures++
      return Promise.reject(new Error('down'))
    },
    takeTurn: () => Promise.resolve(calls.length === 0),
  })
  kept.start()
  await vi.waitFor(() => expect(failures).toBeGreaterThan(2))
  await kept.stop()
  expect(calls.slice(0, 3)).toEqual(['leaves', 'emptied', 'no leaf left'])
})

test('whoever has not the turn clears nothing away, and a group that is not enrolled is not looked at', async () => {
  let turns = 0
  const { calls, kept } = upkeep({
    progress: () => Promise.resolve(undefined),
    takeTurn: () => {
      turns++
      return Promise.resolve(false)
    },
  })
  kept.start()
  await vi.waitFor(() => expect(turns).toBeGreaterThan(1))
  await kept.stop()
  expect(calls).toEqual([])
})

test('a broker that does not answer holds the stop up for a moment only; a stop before the start is the end', async () => {
  let asked = false
  const { kept } = upkeep(
    {},
    {
      endOffsets: () => {
        asked = true
        return new Promise(() => undefined)
      },
    },
  )
  kept.start()
  await vi.waitFor(() => expect(asked).toBe(true))
  await kept.stop()

  const other = upkeep({})
  await other.kept.stop()
  other.kept.start()
  await other.kept.stop()
  expect(other.calls).toEqual([])
})
