/** What the thread is given. */
export type WatchdogThreadData = {
  /** Of 32-bit integers: the beats of the loop, the silent ticks after which it counts as blocked, and whether a debugger may be there, and a zero. */
  readonly shared: SharedArrayBuffer
  readonly tickMs: number
  /** What the line says beside the place. */
  readonly line: Readonly<Record<string, unknown>>
}

/**
 * The program of the thread that watches the event loop of the process. It is a text, since a bundler would not find a file of its own.
 *
 * It counts **its own ticks** in which the loop has not beaten: a process that was frozen (SIGSTOP, a machine asleep) has no ticks meanwhile,
 * and both go on together. When the loop is silent for too long it asks the inspector where it stands, for five seconds at most, writes one line
 * of JSON to the standard error, by itself since the loop would have to write for it, and ends the process with SIGKILL: nothing else ends
 * one that is in the middle of a computation.
 */
export const watchdogThread = `'use strict'
const { workerData } = require('node:worker_threads')
const { writeSync } = require('node:fs')
const { shared, tickMs, line } = workerData
const numbers = new Int32Array(shared)
let seen = -1
let silent = 0

// A timer would wake a whole event loop each time, at thirty times the price.
for (;;) {
  Atomics.wait(numbers, 3, 0, tickMs)
  const beats = Atomics.load(numbers, 0)
  silent = beats === seen && Atomics.load(numbers, 2) === 0 ? silent + 1 : 0
  seen = beats
  if (silent >= Atomics.load(numbers, 1)) break
}
setTimeout(end, 5_000)
try {
  ask()
} catch {
  end()
}

function ask() {
  const { Session } = require('node:inspector')
  const session = new Session()
  const scripts = new Map()
  session.connectToMainThread()
  session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url))
  session.on('Debugger.paused', ({ params }) =>
    end(
      params.callFrames.slice(0, 20).map(({ functionName, location }) => {
        const place = (scripts.get(location.scriptId) || '?') + ':' + (location.lineNumber + 1)
        return (functionName || 'anonymous') + ' (' + place + ')'
      }),
    ),
  )
  session.post('Debugger.enable')
  session.post('Debugger.pause')
}

function end(stack) {
  const told = { level: 60, time: Date.now(), pid: process.pid, ...line, blockedMs: silent * tickMs, stack }
  for (let tries = 0; tries < 5; tries++)
    try {
      writeSync(2, JSON.stringify(told) + '\\n')
      break
    } catch {
      // a full pipe, or none
    }
  process.kill(process.pid, 'SIGKILL')
}
`
