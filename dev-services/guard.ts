/**
 * The guard: a small process between a run and one server. It holds the read end of a pipe from the run. When the
 * pipe closes, because the run ended in whatever way (`kill -9` included), the guard stops the server and removes
 * its folder. It is started in a session of its own, so that Ctrl-C reaches the run and never the server first.
 *
 * The server is the guard's direct child and is reaped by it: a killed Postgres left as a zombie would make the
 * next start refuse with "lock file postmaster.pid already exists".
 *
 * It speaks JSON lines ({@link GuardOrder}, {@link GuardCommand} in; {@link GuardEvent} out) and imports nothing
 * but Node, so that it starts fast.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chownSync,
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { GuardCommand, GuardedCommand, GuardEvent, GuardOrder } from './guard-protocol.ts'

const LOG_TAIL_CHARACTERS = 4_000

let order: GuardOrder | undefined
let folder: string | undefined
let child: ChildProcess | undefined
let ending = false
/** Commands are carried out one after the other; the end of the run does not wait for them. */
let queue: Promise<void> = Promise.resolve()

process.stdout.on('error', () => {}) // the run is gone: nobody listens, the end of stdin does the rest
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void end())
process.on('uncaughtException', (error) => {
  say({ event: 'failed', reason: error.message, log: logTail() })
  void end()
})

const lines = createInterface({ input: process.stdin })
lines.on('line', (line) => {
  if (order === undefined) {
    order = JSON.parse(line) as GuardOrder
    const first = order
    queue = queue.then(() => setUp(first)).catch(fail)
  } else {
    const command = JSON.parse(line) as GuardCommand
    if (command.verb === 'stop') void end()
    else queue = queue.then(() => obey(command)).catch(fail)
  }
})
lines.on('close', () => void end())

function say(event: GuardEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

function fail(error: unknown): void {
  if (!ending)
    say({ event: 'failed', reason: error instanceof Error ? error.message : String(error), log: logTail() })
}

async function setUp(given: GuardOrder): Promise<void> {
  if (ending) return
  folder = mkdtempSync(given.folderPrefix)
  writeFileSync(join(folder, 'server.log'), '')
  for (const [name, text] of Object.entries(given.files)) {
    writeFileSync(join(folder, name), text.replaceAll('{folder}', folder))
  }
  if (given.owner !== undefined) {
    for (const path of [folder, ...readdirSync(folder).map((name) => join(folder ?? '', name))]) {
      chownSync(path, given.owner.uid, given.owner.gid)
    }
  }
  for (const step of given.steps) {
    if (ending) return
    const how = await exitOf(launch(given, step))
    if (how !== 'code 0') throw new Error(`${step.path} ended with ${how}`)
  }
  await startServer(given)
}

async function startServer(given: GuardOrder): Promise<void> {
  if (ending) return
  const server = launch(given, given.server)
  await once(server, 'spawn')
  const pid = server.pid ?? 0
  say({ event: 'started', pid, folder: folder ?? '' })
  void exitOf(server).then((how) => {
    if (!ending) say({ event: 'exited', pid, how, log: logTail() })
  })
}

async function obey(command: Exclude<GuardCommand, { verb: 'stop' }>): Promise<void> {
  if (order === undefined || ending) return
  if (command.verb === 'kill') {
    const target = child
    signalServer(command.signal)
    if (command.signal === 'SIGKILL' && target !== undefined) await exitOf(target)
  } else {
    await stopChild(order)
    await startServer(order)
  }
  say({ event: 'done', id: command.id })
}

function launch(given: GuardOrder, command: GuardedCommand): ChildProcess {
  const home = folder ?? ''
  const log = openSync(join(home, 'server.log'), 'a')
  const started = spawn(
    command.path,
    command.args.map((argument) => argument.replaceAll('{folder}', home)),
    // the folder as working directory: the guard's own may be closed to the server's user
    { cwd: home, env: given.env, stdio: ['ignore', log, log], ...given.owner },
  )
  closeSync(log)
  child = started
  started.once('exit', () => {
    if (child === started) child = undefined
  })
  return started
}

async function exitOf(running: ChildProcess): Promise<string> {
  if (running.exitCode === null && running.signalCode === null) {
    await new Promise<void>((resolve) => {
      running.once('exit', () => resolve())
      running.once('error', () => resolve())
    })
  }
  return running.signalCode === null
    ? `code ${running.exitCode ?? 'none (could not be started)'}`
    : running.signalCode
}

async function stopChild(given: GuardOrder): Promise<void> {
  const running = child
  if (running === undefined) return
  signalServer('SIGCONT') // a frozen server could not hear the next signal
  signalServer(given.stopSignal)
  const timer = setTimeout(() => signalServer('SIGKILL'), given.graceMs)
  await exitOf(running)
  clearTimeout(timer)
}

/**
 * Freezing, thawing and killing reach the server's own children too, as the loss of a machine would: the backends of
 * Postgres are sessions of their own, so no process group holds them all.
 */
function signalServer(signal: NodeJS.Signals): void {
  const pid = child?.pid
  if (pid === undefined) return
  const whole = signal === 'SIGKILL' || signal === 'SIGSTOP' || signal === 'SIGCONT'
  if (whole && signal !== 'SIGCONT') send(pid, 'SIGSTOP') // no new children while we list them
  const descendants = whole ? childrenOf(pid) : []
  for (const descendant of descendants) send(descendant, signal)
  send(pid, signal)
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // already gone
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number)
  } catch {
    // not Linux, or a kernel without this file
  }
  try {
    const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    return table
      .split('\n')
      .map((row) => row.trim().split(/\s+/).map(Number))
      .filter(([, parent]) => parent === pid)
      .map(([own]) => own ?? 0)
  } catch {
    return []
  }
}

function logTail(): string {
  if (folder === undefined) return ''
  try {
    return readFileSync(join(folder, 'server.log'), 'utf8').slice(-LOG_TAIL_CHARACTERS)
  } catch {
    return ''
  }
}

async function end(): Promise<void> {
  if (ending) return
  ending = true
  if (order !== undefined) await stopChild(order)
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  process.exit(0)
}
