import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { BackstitchError } from '../../../../src/kernel/errors.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { noTestSignals } from '../../../../src/kernel/test-signals.ts'
import { PublisherLanes } from '../../../../src/relay/publishing/publisher-lanes.ts'
import { TopicDirectory } from '../../../../src/relay/publishing/topic-directory.ts'
import { Parked } from '../../../../src/relay/quarantine/parked.ts'
import type { Replay, ReplayProgress, ReplaySession } from '../../../../src/relay/replay/replay-session.ts'
import { Replayer } from '../../../../src/relay/replay/replayer.ts'
import { textAt } from '../../../../src/relay/source/outbox-tuple.ts'
import type { Cursor } from '../../../../src/relay/source/window-machine.ts'
import { partitionOf } from '../../../../src/transport/partition.ts'
import { rowsOf } from '../rows.ts'
import { ScriptedTransport } from '../scripted-transport.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

const rows = rowsOf(200, 20)
const sick = 1
const isSick = (key: string | Buffer | null) => partitionOf(String(key), 4) === sick

/** A replay of all rows to another topic, of which a test plays the database and Kafka. */
function setUp() {
  const transport = new ScriptedTransport()
  transport.topics.set('again', 4)
  const lanes = new PublisherLanes({
    transport,
    clock: { ...systemClock, pause: () => new Promise(setImmediate) },
    logger: silentLogger,
    count: 1,
  })
  const scope = { signal: new AbortController().signal, deadlineMs: () => 1_200 }
  const saved: ReplayProgress[] = []
  const reads: bigint[] = []
  let wish: Replay | undefined = {
    id: 'r',
    position: 0n,
    to: 200n,
    topic: 'again',
    newIds: false,
  }
  const plays = {
    /** Called before each answer; what it throws, the session throws. */
    before: (_call: keyof ReplaySession): void => undefined,
    isCancelled: false,
  }
  const session: ReplaySession = {
    nextReplay: async () => {
      plays.before('nextReplay')
      return wish
    },
    readReplay: async ({ position }, upTo) => {
      reads.push(upTo - position)
      plays.before('readReplay')
      const found = rows.filter((row) => {
        const seq = BigInt(textAt(row, 'seq'))
        return seq > position && seq <= upTo
      })
      return { rows: found.slice(0, 150), full: found.length > 150 }
    },
    saveReplay: async (progress) => {
      plays.before('saveReplay')
      saved.push(progress)
      if (plays.isCancelled) wish = undefined
      if (wish) wish = progress.state === 'running' ? { ...wish, position: progress.position } : undefined
      return !plays.isCancelled
    },
  }
  const lines: string[] = []
  const note = (_: object, line: string): void => void lines.push(line)
  const replayer = new Replayer({
    session,
    keeper: { epoch: 1n, cursor: { previous: { text: '9:9:' } } as Cursor },
    parked: new Parked(),
    topics: new TopicDirectory({
      lanes,
      session: { readTopicPins: async () => [], pinTopic: async (_, partitions) => partitions },
      prefix: 'outbox.event.',
      scope,
      logger: silentLogger,
    }),
    lanes,
    scope,
    admin: () => transport.admin(),
    signals: noTestSignals,
    logger: { ...silentLogger, warn: note, info: note },
  })
  /** Runs it whenever it is due, for so many milliseconds. */
  const runFor = async (ms: number): Promise<number> => {
    let runs = 0
    for (let passed = 0; passed < ms; passed += 100) {
      vi.advanceTimersByTime(100)
      if (!replayer.isDue) continue
      await replayer.run()
      runs++
    }
    return runs
  }
  return { transport, replayer, saved, reads, plays, lines, runFor }
}

describe('a partition that cannot be written to', () => {
  test('is waited for; what got through meanwhile is saved, and sent once however often the rest is tried', async () => {
    const { transport, saved, runFor } = setUp()
    let isDown = true
    transport.answer = (records) => {
      const failures = records.flatMap(({ key }, index) =>
        isDown && isSick(key) ? [[index, { kind: 'unknown', reason: 'no leader' } as const] as const] : [],
      )
      return failures.length === 0
        ? { kind: 'acknowledged' }
        : { kind: 'partial', failures: new Map(failures) }
    }
    const tries = await runFor(120_000)
    expect(tries, 'ever more seldom').toBeLessThan(15)
    expect(new Set(transport.bodies).size).toBe(transport.bodies.length)
    const firstSick = rows.find((row) => isSick(textAt(row, 'aggregateid'))) ?? []
    expect(saved.at(-1)).toMatchObject({ state: 'running', position: BigInt(textAt(firstSick, 'seq')) - 1n })
    expect(Math.max(...transport.deadlinesMs)).toBeLessThanOrEqual(400)
    isDown = false
    await runFor(60_000)
    expect(saved.at(-1)).toMatchObject({ state: 'completed', position: 200n })
    expect(saved.reduce((sum, { published }) => sum + published, 0)).toBe(200)
    expect(transport.bodies.map(Number).toSorted((a, b) => a - b)).toEqual(
      rows.map((row) => Number(textAt(row, 'payload'))).toSorted((a, b) => a - b),
    )
  })

  test('is not waited for any more once the replay is cancelled', async () => {
    const { transport, saved, plays, runFor } = setUp()
    transport.answer = () => ({ kind: 'failed', failure: { kind: 'unknown', reason: 'no leader' } })
    await runFor(2_000)
    plays.isCancelled = true
    await runFor(30_000)
    const { length } = transport.batches
    await runFor(60_000)
    expect(transport.batches).toHaveLength(length)
    expect(saved.at(-1)).toMatchObject({ published: 0 })
  })
})

describe('a replay that cannot be read', () => {
  test('is not looked for at once in a tenure', async () => {
    const { replayer } = setUp()
    expect(replayer.isDue).toBe(false)
    vi.advanceTimersByTime(1_000)
    expect(replayer.isDue).toBe(true)
  })

  test('has failed, and says why', async () => {
    const { saved, plays, runFor, lines } = setUp()
    plays.before = (call) => {
      if (call === 'readReplay') throw new BackstitchError('REPLAY_FAILED', 'permission denied')
    }
    await runFor(5_000)
    expect(saved).toEqual([
      expect.objectContaining({
        state: 'failed',
        position: 0n,
        published: 0,
        failure: expect.stringContaining('permission denied'),
      }),
    ])
    expect(lines).toEqual(['a replay cannot go on'])
  })

  test('in time is read in smaller slices, and has failed after a few of them', async () => {
    const { saved, reads, plays, runFor } = setUp()
    plays.before = (call) => {
      if (call === 'readReplay') throw new BackstitchError('DATABASE_TOO_SLOW', 'canceling statement')
    }
    await runFor(60_000)
    expect(reads).toEqual([200n, 200n, 200n, 200n, 78n])
    expect(saved).toEqual([expect.objectContaining({ state: 'failed' })])
  })

  test('in time once goes on', async () => {
    const { saved, plays, transport, runFor } = setUp()
    let slow = 2
    plays.before = (call) => {
      if (call === 'readReplay' && slow-- > 0)
        throw new BackstitchError('DATABASE_TOO_SLOW', 'canceling statement')
    }
    await runFor(20_000)
    expect(saved.at(-1)).toMatchObject({ state: 'completed' })
    expect(transport.bodies).toHaveLength(200)
  })

  test('nor be noted is tried no more in this tenure: its first slice is sent once', async () => {
    const { transport, plays, runFor } = setUp()
    plays.before = (call) => {
      if (call === 'saveReplay') throw new BackstitchError('REPLAY_FAILED', 'permission denied')
    }
    await runFor(300_000)
    expect(transport.bodies).toHaveLength(150)
  })

  test('ends nothing where wishes cannot even be looked for', async () => {
    const { plays, runFor } = setUp()
    plays.before = () => {
      throw new BackstitchError('REPLAY_FAILED', 'permission denied')
    }
    expect(await runFor(100_000)).toBeLessThan(5)
  })
})

test('a session that is of no use any more ends the tenure', async () => {
  const { replayer, plays } = setUp()
  plays.before = () => {
    throw new BackstitchError('DATABASE_UNREACHABLE', 'orders')
  }
  await expect(replayer.run()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' })
})
