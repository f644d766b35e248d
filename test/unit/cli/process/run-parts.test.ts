import { expect, test } from 'vitest'
import type { CliIo } from '../../../../src/cli/cli-io.ts'
import { runParts } from '../../../../src/cli/process/run-parts.ts'
import type { ProcessPart } from '../../../../src/kernel/lifecycle.ts'
import { silentLogger } from '../../../../src/kernel/logger.ts'

/** A process of which only the signals and the exit matter. */
const fakeProcess = (): CliIo & {
  send: (signal: 'SIGTERM' | 'SIGINT') => void
  exits: number[]
  ears: number
} => {
  const listeners = new Set<(signal: 'SIGTERM' | 'SIGINT') => void>()
  const exits: number[] = []
  return {
    out: () => undefined,
    err: () => undefined,
    folder: '/',
    onSignal: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    exit: (code) => void exits.push(code),
    send: (signal) => {
      for (const listener of listeners) listener(signal)
    },
    exits,
    get ears() {
      return listeners.size
    },
  }
}

const partOf = (
  name: string,
  journal: string[],
  methods: Partial<Pick<ProcessPart, 'start' | 'stop'>> = {},
): ProcessPart => ({
  name,
  health: () => ({ state: 'running' }),
  start: async () => {
    journal.push(`${name} starts`)
    await methods.start?.()
  },
  stop: async () => {
    journal.push(`${name} stops`)
    await methods.stop?.()
  },
})

/** Lets everything run that waits for nothing but promises. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('parts run until the first signal, then stop, then what they were given is closed', async () => {
  const io = fakeProcess()
  const journal: string[] = []
  const running = runParts(io, silentLogger, [partOf('a', journal), partOf('b', journal)], async () => {
    journal.push('closed')
  })
  await settled()
  expect(journal).toEqual(['a starts', 'b starts'])
  io.send('SIGTERM')
  await running
  expect(journal).toEqual(['a starts', 'b starts', 'a stops', 'b stops', 'closed'])
  expect(io.exits).toEqual([])
  expect(io.ears).toBe(0)
})

test('a second signal ends the process at once', async () => {
  const io = fakeProcess()
  const stuck = Promise.withResolvers<void>()
  const running = runParts(
    io,
    silentLogger,
    [partOf('a', [], { stop: () => stuck.promise })],
    async () => undefined,
  )
  await settled()
  io.send('SIGTERM')
  await settled()
  expect(io.exits).toEqual([])
  io.send('SIGINT')
  expect(io.exits).toEqual([130])
  stuck.resolve()
  await running
})

test('a signal during the start stops the parts, whatever the start makes of it', async () => {
  const io = fakeProcess()
  const journal: string[] = []
  const starting = Promise.withResolvers<void>()
  const part = partOf('a', journal, {
    start: () => starting.promise,
    stop: async () => starting.reject(new Error('cut short')),
  })
  const running = runParts(io, silentLogger, [part], async () => undefined)
  await settled()
  io.send('SIGINT')
  await running
  expect(journal).toEqual(['a starts', 'a stops'])
})

test('a start that fails stops the other parts and is thrown', async () => {
  const io = fakeProcess()
  const journal: string[] = []
  const failure = new Error('no tables')
  const parts = [partOf('a', journal, { start: () => Promise.reject(failure) }), partOf('b', journal)]
  await expect(runParts(io, silentLogger, parts, async () => void journal.push('closed'))).rejects.toBe(
    failure,
  )
  expect(journal).toEqual(['a starts', 'b starts', 'a stops', 'b stops', 'closed'])
  expect(io.ears).toBe(0)
})

test('probes answer before the parts start, are not ready while they stop, and end last', async () => {
  const io = fakeProcess()
  const journal: string[] = []
  const probes = {
    start: async () => {
      journal.push('probes start')
      return 1
    },
    drain: () => void journal.push('probes drain'),
    stop: async () => void journal.push('probes stop'),
  }
  const close = async () => void journal.push('closed')
  const running = runParts(io, silentLogger, [partOf('a', journal)], close, probes)
  await settled()
  io.send('SIGTERM')
  await running
  expect(journal).toEqual(['probes start', 'a starts', 'probes drain', 'a stops', 'closed', 'probes stop'])
})

test('where the probes cannot listen nothing is started', async () => {
  const io = fakeProcess()
  const journal: string[] = []
  const failure = new Error('the port is taken')
  const probes = {
    start: () => Promise.reject(failure),
    drain: () => undefined,
    stop: async () => undefined,
  }
  await expect(
    runParts(io, silentLogger, [partOf('a', journal)], async () => undefined, probes),
  ).rejects.toBe(failure)
  expect(journal).toEqual(['a stops'])
})
