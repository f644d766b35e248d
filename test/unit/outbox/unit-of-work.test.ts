import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { CallerTransaction } from '../../../src/kernel/caller-transaction.ts'
import { event } from '../../../src/message/event.ts'
import type { OutboxRow } from '../../../src/outbox/outbox-row.ts'
import { type OutboxSettings, outboxOver } from '../../../src/outbox/outbox.ts'
import type { UnitOfWork } from '../../../src/outbox/unit-of-work.ts'
import { recordingStore } from './recording-store.ts'

const Counted = event('counter.counted', {
  version: 1,
  key: (p) => p.key,
  payload: z.object({ key: z.string() }),
})
const counted = (key: string) => Counted.create({ key })
const tx: CallerTransaction = { query: () => undefined }
const missing = { code: 'UNIT_OF_WORK_MISSING', retriable: false }

function outboxOf(settings: Partial<OutboxSettings> = {}) {
  const recording = recordingStore()
  const steps: string[] = []
  const run = async (work: (tx: CallerTransaction) => Promise<void>): Promise<void> => {
    steps.push('begin')
    try {
      await work(tx)
    } catch (thrown) {
      steps.push('rollback')
      throw thrown
    }
    steps.push(`commit with ${recording.calls.length} inserts`)
  }
  return {
    ...recording,
    steps,
    run,
    keys: () => recording.calls.map(({ rows }) => rows.map((row: OutboxRow) => row.aggregateid)),
    outbox: outboxOver(recording.store, { service: 'counting', ...settings }),
  }
}

describe('a transaction with a unit of work', () => {
  test('writes everything at once, after the work and before the commit, in the order of enqueueing', async () => {
    const { outbox, run, keys, calls, steps } = outboxOf()
    const result = await outbox.transaction(run, async (given, unit) => {
      expect(given).toBe(tx)
      await outbox.enqueue(counted('a'))
      unit.enqueue([counted('b'), counted('c')])
      await Promise.resolve()
      await outbox.enqueue(counted('d'))
      expect(calls).toEqual([])
      return 7
    })
    expect(result).toBe(7)
    expect(keys()).toEqual([['a', 'b', 'c', 'd']])
    expect(calls[0]?.tx).toBe(tx)
    expect(steps).toEqual(['begin', 'commit with 1 inserts'])
  })

  test('writes nothing when the work rejects, and passes its error on', async () => {
    const { outbox, run, calls, steps } = outboxOf()
    const outcome = outbox.transaction(run, async () => {
      await outbox.enqueue(counted('a'))
      throw new Error('changed my mind')
    })
    await expect(outcome).rejects.toThrow('changed my mind')
    expect(calls).toEqual([])
    expect(steps).toEqual(['begin', 'rollback'])
  })

  test('is found by whatever the work calls, however deep, and by nobody else', async () => {
    const { outbox, run, keys } = outboxOf()
    const deep = async (key: string): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve))
      await outbox.enqueue(counted(key))
    }
    await Promise.all([
      outbox.transaction(run, async () => {
        await deep('a')
        await deep('b')
      }),
      outbox.transaction(run, () => deep('x')),
    ])
    expect(keys()).toHaveLength(2)
    expect(keys()).toEqual(expect.arrayContaining([['a', 'b'], ['x']]))
    await expect(deep('outside')).rejects.toMatchObject(missing)
  })

  test('of another outbox is none', async () => {
    const here = outboxOf()
    const there = outboxOf()
    await here.outbox.transaction(here.run, async () => {
      await expect(there.outbox.enqueue(counted('a'))).rejects.toMatchObject(missing)
    })
  })

  test('refuses what comes when it has ended, for it would be lost', async () => {
    const { outbox, run, keys } = outboxOf()
    let kept: UnitOfWork | undefined
    let late: Promise<void> | undefined
    await outbox.transaction(run, async (_, unit) => {
      kept = unit
      late = new Promise<void>((resolve) => setTimeout(resolve, 5)).then(() =>
        outbox.enqueue(counted('late')),
      )
    })
    expect(() => kept?.enqueue(counted('later'))).toThrow(expect.objectContaining(missing))
    await expect(late).rejects.toMatchObject(missing)
    expect(keys()).toEqual([])
  })

  test('refuses a bad message where it is enqueued, and goes on', async () => {
    const { outbox, run, keys } = outboxOf()
    await outbox.transaction(run, async () => {
      const bad = { ...counted('a'), id: 'no uuid' }
      await expect(outbox.enqueue(bad)).rejects.toMatchObject({ code: 'MESSAGE_INVALID' })
      await outbox.enqueue(counted('b'))
    })
    expect(keys()).toEqual([['b']])
  })

  test('hands its rows to transactions that commit with them', async () => {
    const { outbox, calls } = outboxOf()
    const commits: unknown[] = []
    const result = await outbox.transaction(
      {
        commitWith: async (work) => void commits.push((await work(tx)).map(({ aggregateid }) => aggregateid)),
      },
      async () => {
        await outbox.enqueue([counted('a'), counted('b')])
        return 'done'
      },
    )
    expect(result).toBe('done')
    expect(commits).toEqual([['a', 'b']])
    expect(calls).toEqual([])
  })

  test('says so when the function that opens transactions forgets the work', async () => {
    const { outbox } = outboxOf()
    const outcome = outbox.transaction(
      () => Promise.resolve(),
      () => Promise.resolve(1),
    )
    await expect(outcome).rejects.toMatchObject({ code: 'TRANSACTION_UNSUPPORTED' })
  })
})

describe('a savepoint', () => {
  test('that holds keeps what was enqueued in it, in its place', async () => {
    const { outbox, run, keys, savepoints } = outboxOf()
    await outbox.transaction(run, async (_, unit) => {
      await outbox.enqueue(counted('a'))
      const result = await unit.savepoint(async () => {
        await outbox.enqueue(counted('b'))
        return 5
      })
      expect(result).toBe(5)
      await outbox.enqueue(counted('c'))
    })
    expect(keys()).toEqual([['a', 'b', 'c']])
    expect(savepoints).toEqual(['begin', 'release'])
  })

  test('that is rolled back forgets it, with everything in the savepoints within', async () => {
    const { outbox, run, keys, savepoints } = outboxOf()
    await outbox.transaction(run, async (_, unit) => {
      await outbox.enqueue(counted('a'))
      const attempt = unit.savepoint(async (_tx, nested) => {
        await outbox.enqueue(counted('b'))
        await nested.savepoint(() => outbox.enqueue(counted('c')))
        throw new Error('not this way')
      })
      await expect(attempt).rejects.toThrow('not this way')
      await outbox.enqueue(counted('d'))
    })
    expect(keys()).toEqual([['a', 'd']])
    expect(savepoints).toEqual(['begin', 'begin', 'release', 'rollback'])
  })
})

describe('a unit for somebody else’s transaction', () => {
  test('is written by flush, once', async () => {
    const { outbox, keys, calls } = outboxOf()
    const unit = outbox.unitOfWork(tx)
    unit.enqueue(counted('a'))
    await unit.run(() => outbox.enqueue(counted('b')))
    expect(calls).toEqual([])
    await unit.flush()
    expect(keys()).toEqual([['a', 'b']])
    await expect(unit.flush()).rejects.toMatchObject(missing)
    expect(() => unit.enqueue(counted('c'))).toThrow(expect.objectContaining(missing))
  })

  test('that is empty asks nothing of the database', async () => {
    const { outbox, calls, deferred, state } = outboxOf({ backlog: { ageMsMax: 1 } })
    await outbox.unitOfWork(tx).flush()
    expect([calls, deferred, state.looks]).toEqual([[], [], 0])
  })
})

describe('who waits for commits', () => {
  test('is told after each that wrote messages, never before it, and not when it fails', async () => {
    const onCommitted = vi.fn<() => void>()
    const { outbox, run, steps } = outboxOf({ onCommitted: () => (onCommitted(), void steps.push('told')) })
    await outbox.transaction(run, () => outbox.enqueue(counted('a')))
    expect(steps).toEqual(['begin', 'commit with 1 inserts', 'told'])
    await outbox.transaction(run, () => Promise.resolve())
    await expect(
      outbox.transaction(
        async (work) => {
          await work(tx)
          throw new Error('the commit failed')
        },
        () => outbox.enqueue(counted('b')),
      ),
    ).rejects.toThrow('the commit failed')
    expect(onCommitted).toHaveBeenCalledTimes(1)
  })

  test('does not spoil a commit by throwing', async () => {
    const { outbox, run } = outboxOf({
      onCommitted: () => {
        throw new Error('no relay here')
      },
    })
    await expect(
      outbox.transaction(run, async () => {
        await outbox.enqueue(counted('a'))
        return 'committed'
      }),
    ).resolves.toBe('committed')
  })
})
