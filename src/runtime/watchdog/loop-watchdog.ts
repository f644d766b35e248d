import { Worker } from 'node:worker_threads'
import { errorCatalogue } from '../../kernel/error-catalogue.ts'
import { reasonOf } from '../../kernel/errors.ts'
import type { Logger } from '../../kernel/logger.ts'
import { type WatchdogThreadData, watchdogThread } from './watchdog-thread.ts'

/** The loop beats, and the thread looks, thirty times within the limit; no more often than this, and no more seldom. */
const tickMsMin = 100
const tickMsMax = 1_000

/** A process part that wants the event loop watched. */
type Watch = { readonly blockedMsMax: number; readonly logger: Logger }

/** The thread, and what it shares with the loop. */
type Running = {
  readonly worker: Worker
  readonly beat: NodeJS.Timeout
  readonly numbers: Int32Array
  readonly tickMs: number
}

const watches = new Set<Watch>()
let running: Running | undefined

/**
 * Watches the event loop of this process from a thread of its own, and ends the process with SIGKILL once the loop has been blocked for
 * longer than `blockedMsMax`. A handler that computes for ever would otherwise keep its messages, its locks and the partitions of its
 * process for ever: no timer of the process fires any more, the limits of time for handlers among them.
 *
 * There is one thread in a process. Parts that share the process share its loop, so the most patient of them decides; with 0 it is not
 * watched at all. While the inspector of Node is open, in a debugger, nothing is ended. The thread does not keep the process alive.
 *
 * Costs some 10 MB of memory, and with a limit of 30 s less than a thousandth of a core.
 *
 * @param blockedMsMax exact to a thirtieth of it
 * @returns ends the watch of this part
 */
export function watchLoop(blockedMsMax: number, logger: Logger): () => void {
  const watch: Watch = { blockedMsMax, logger }
  watches.add(watch)
  adjust()
  return () => {
    if (watches.delete(watch)) adjust()
  }
}

/** Starts, ends or sets the thread as the watches want it. */
function adjust(): void {
  const limits = [...watches].map(({ blockedMsMax }) => blockedMsMax)
  if (limits.length === 0 || limits.includes(0)) return end()
  const limitMs = Math.max(...limits)
  const tickMs = Math.round(Math.min(Math.max(limitMs / 30, tickMsMin), tickMsMax))
  const ticks = Math.max(1, Math.ceil(limitMs / tickMs))
  if (running?.tickMs !== tickMs) {
    end()
    running = start(tickMs, ticks)
  } else Atomics.store(running.numbers, 1, ticks)
}

function start(tickMs: number, ticks: number): Running | undefined {
  const shared = new SharedArrayBuffer(4 * Int32Array.BYTES_PER_ELEMENT)
  const numbers = new Int32Array(shared)
  Atomics.store(numbers, 1, ticks)
  const workerData: WatchdogThreadData = {
    shared,
    tickMs,
    line: { code: 'EVENT_LOOP_BLOCKED', msg: errorCatalogue.EVENT_LOOP_BLOCKED.summary },
  }
  try {
    // Nothing of the process’s own start is of use there: no preloaded modules, no environment.
    const worker = new Worker(watchdogThread, {
      eval: true,
      name: 'backstitch watchdog',
      workerData,
      execArgv: [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
    })
    worker.unref()
    worker.on('error', gaveUp)
    const beat = setInterval(() => beatOnce(numbers), tickMs)
    beat.unref()
    return { worker, beat, numbers, tickMs }
  } catch (thrown) {
    gaveUp(thrown)
    return undefined
  }
}

function beatOnce(numbers: Int32Array): void {
  Atomics.add(numbers, 0, 1)
  Atomics.store(numbers, 2, inspectorUrl() === undefined ? 0 : 1)
}

function end(): void {
  if (running === undefined) return
  clearInterval(running.beat)
  void running.worker.terminate()
  running = undefined
}

/** A process without its watchdog works on. */
function gaveUp(thrown: unknown): void {
  for (const { logger } of watches)
    logger.warn({ reason: reasonOf(thrown) }, 'the event loop is not watched: its thread could not run')
  end()
}

/** Where a debugger may connect to this process; some builds of Node have no inspector. */
function inspectorUrl(): string | undefined {
  try {
    return process.getBuiltinModule('node:inspector').url()
  } catch {
    return undefined
  }
}
