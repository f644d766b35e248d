import { expect, test } from 'vitest'
import { systemClock } from '../../../../src/kernel/clock.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'
import { QuarantineRoom } from '../../../../src/relay/quarantine/quarantine-room.ts'

const parked = (rows: number) => ({
  parked: Array.from({ length: rows }, (_, n) => ({
    seq: String(n),
    topic: 't',
    code: 'OUTBOX_TOPIC_UNKNOWN' as const,
    reason: 'r',
  })),
})
const drained = (rows: number) => ({ drained: Array.from({ length: rows }, (_, n) => String(n)) })

/** A room over a table of so many rows. */
function roomOver(table: { rows: number; fails?: boolean }, rowsMax = 1_000) {
  const lines: string[] = []
  const pages: number[] = []
  const note = (_: object, line: string): void => void lines.push(line)
  const end = new AbortController()
  const room = new QuarantineRoom({
    session: {
      countRows: async (afterSeq, limit) => {
        if (table.fails === true) throw new Error('the connection is lost')
        const from = Number(afterSeq)
        const rows = Math.max(0, Math.min(limit, table.rows - from - 1))
        pages.push(rows)
        return { rows, lastSeq: String(from + rows) }
      },
    },
    rowsMax,
    signal: end.signal,
    clock: systemClock,
    logger: { ...silentLogger, info: note, warn: note, error: note },
  })
  return { room, lines, pages, end }
}

test('is full at so many rows, and says at half of it that it will be', () => {
  const { room, lines } = roomOver({ rows: 0 })
  room.count(parked(499))
  expect(lines).toEqual([])
  room.count(parked(1))
  room.count(parked(100))
  expect(lines).toEqual(['the quarantine is half full: when it is full the outbox waits'])
  expect(room.trouble).toBeUndefined()
  room.count(parked(400))
  expect(room.isFull).toBe(true)
  expect(room.trouble).toMatch(/^OUTBOX_QUARANTINE_FULL: .* 1000 rows\. /)
  room.count(drained(1))
  expect(room.isFull).toBe(false)
  expect(lines.slice(1)).toEqual([
    'the quarantine is full: the outbox waits',
    'the quarantine has room again: the outbox goes on',
  ])
})

test('counts what is there page by page, no further than it must, and what changes meanwhile', async () => {
  const { room, pages } = roomOver({ rows: 1_000_000 }, 50_000)
  room.begin()
  room.count(drained(5))
  await room.settled()
  expect(pages).toEqual([20_000, 20_000, 20_000])
  expect(room.isFull).toBe(true)
  room.count(drained(9_996))
  expect(room.isFull).toBe(false)
})

test('counts anew while it is full, in case that somebody has deleted rows', async () => {
  const table = { rows: 2_000 }
  const { room } = roomOver(table)
  room.begin()
  await room.settled()
  expect(room.isFull).toBe(true)
  table.rows = 10
  room.look() // just counted: not yet
  await room.settled()
  expect(room.isFull).toBe(true)
  room.begin()
  await room.settled()
  expect(room.isFull).toBe(false)
})

test('ends with its tenure, and leaves failures to those who meet them as well', async () => {
  const lost = roomOver({ rows: 10, fails: true })
  lost.room.begin()
  await lost.room.settled()
  expect(lost.room.isFull).toBe(false)
  const ended = roomOver({ rows: 10_000_000 }, 100_000_000)
  ended.room.begin()
  ended.end.abort()
  await ended.room.settled()
  expect(ended.pages.length).toBeLessThanOrEqual(1)
})
