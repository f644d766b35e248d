import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Announcements } from '../../../../src/relay/wake/announcements.ts'

let nowMs = 0
beforeEach(() => {
  nowMs = 1_000_000
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs)
})
afterEach(() => vi.restoreAllMocks())

test('are trusted once they arrive for certain and a writer was heard', () => {
  const it = new Announcements()
  expect(it.areTrusted).toBe(false)
  it.isListening = true
  expect(it.areTrusted).toBe(false)
  it.heard()
  expect(it.areTrusted).toBe(true)
  it.isListening = false
  expect(it.areTrusted).toBe(false)
})

test('are not trusted for a minute after rows that nobody announced', () => {
  const it = new Announcements()
  it.isListening = true
  it.heard()
  nowMs += 1_000
  it.foundUnannounced()
  nowMs += 101
  expect(it.areTrusted).toBe(false)
  nowMs += 59_000
  it.heard()
  expect(it.areTrusted).toBe(false)
  nowMs += 1_000
  expect(it.areTrusted).toBe(true)
})

test('may come a little later than their rows', () => {
  const it = new Announcements()
  it.isListening = true
  it.heard()
  it.foundUnannounced()
  nowMs += 50
  it.heard()
  nowMs += 1_000
  expect(it.areTrusted).toBe(true)
})
