import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { GuardCommand, GuardEvent, GuardOrder } from '../guard-protocol.ts'
import type { ProcessControl } from '../settings.ts'

const GUARD = fileURLToPath(new URL('../guard.ts', import.meta.url))
const PROBE_PAUSE_MS = 25
const RESTART_PAUSE_MS = 100

/** A server ended, or never came up, while it was needed; the message holds the end of its log. */
export class ServerFailedError extends Error {
  override readonly name = 'ServerFailedError'
}

/** What {@link GuardedServer.start} needs beside the guard's order. */
export interface GuardedServerOptions {
  /** For messages: 'Postgres', 'Kafka'. */
  name: string
  order: GuardOrder
  /** Rejects while the server is not ready; is asked again until it resolves. Must end by itself within a second or so. */
  probe: () => Promise<void>
  /** How long the server may take from the guard's start (set-up included), or from a restart, until ready. */
  readyWithinMs: number
}

/**
 * The run's end of one guard: starts it, waits until the server is ready, passes commands on. Nothing here keeps the
 * run alive: a run that forgets to call `stop` ends all the same, and the guard then clears up.
 */
export class GuardedServer implements ProcessControl {
  readonly #options: GuardedServerOptions
  readonly #guard: ChildProcess
  readonly #waiting = new Map<number, { resolve: () => void; reject: (error: Error) => void }>()
  #commandId = 0
  #pid: number | undefined
  #failure: ServerFailedError | undefined
  #guardEnded = false
  /** Errors of the guard itself, for the message should it end early. */
  #guardErrors = ''

  private constructor(options: GuardedServerOptions) {
    this.#options = options
    this.#guard = spawn(process.execPath, [GUARD], {
      cwd: '/',
      detached: true,
      env: guardEnvironment(),
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const { stdin, stdout, stderr } = this.#guard
    if (stdin === null || stdout === null || stderr === null)
      throw new ServerFailedError('the guard has no pipes')
    stdin.on('error', () => {}) // the guard is gone; its 'exit' tells
    createInterface({ input: stdout }).on('line', (line) => this.#hear(JSON.parse(line) as GuardEvent))
    stderr.on(
      'data',
      (chunk: Buffer) => (this.#guardErrors = (this.#guardErrors + chunk.toString()).slice(-4_000)),
    )
    this.#guard.once('error', (error) => this.#guardGone(`could not start its guard: ${error.message}`))
    this.#guard.once('exit', (code, signal) => this.#guardGone(`its guard ended (${signal ?? code})`))
    this.#guard.unref()
    for (const stream of [stdin, stdout, stderr]) {
      if ('unref' in stream && typeof stream.unref === 'function') stream.unref()
    }
    stdin.write(`${JSON.stringify(options.order)}\n`)
  }

  /** Starts the guard and resolves when the server answers the probe. @throws ServerFailedError with the log's end. */
  static async start(options: GuardedServerOptions): Promise<GuardedServer> {
    const server = new GuardedServer(options)
    try {
      await server.#ready(performance.now() + options.readyWithinMs)
    } catch (error) {
      await server.stop()
      throw error
    }
    return server
  }

  pid(): number | undefined {
    return this.#pid
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    await this.#command({ id: (this.#commandId += 1), verb: 'kill', signal })
  }

  async restart(): Promise<void> {
    const deadline = performance.now() + this.#options.readyWithinMs
    for (;;) {
      this.#failure = undefined
      await this.#command({ id: (this.#commandId += 1), verb: 'restart' })
      try {
        await this.#ready(deadline)
        return
      } catch (error) {
        // a Postgres that was killed refuses to start until its last child has let go of the shared memory
        if (this.#guardEnded || performance.now() + RESTART_PAUSE_MS > deadline) throw error
        await pause(RESTART_PAUSE_MS)
      }
    }
  }

  /** Stops the server and waits until its folder is gone and the guard has ended. */
  async stop(): Promise<void> {
    if (this.#guardEnded) return
    this.#guard.ref()
    const ended = new Promise<void>((resolve) => this.#guard.once('exit', () => resolve()))
    this.#guard.stdin?.end(`${JSON.stringify({ id: 0, verb: 'stop' } satisfies GuardCommand)}\n`)
    await ended
  }

  async #command(command: Exclude<GuardCommand, { verb: 'stop' }>): Promise<void> {
    if (this.#guardEnded)
      throw this.#failure ?? new ServerFailedError(`${this.#options.name} has been stopped`)
    const held = setTimeout(() => {}, 2 ** 30) // the guard is not counted as work; this answer is
    try {
      await new Promise<void>((resolve, reject) => {
        this.#waiting.set(command.id, { resolve, reject })
        this.#guard.stdin?.write(`${JSON.stringify(command)}\n`)
      })
    } finally {
      clearTimeout(held)
    }
  }

  #hear(event: GuardEvent): void {
    switch (event.event) {
      case 'started':
        this.#pid = event.pid
        this.#failure = undefined
        return
      case 'exited':
        if (this.#pid === event.pid) this.#pid = undefined
        this.#failure = this.#failed(`ended by itself (${event.how})`, event.log)
        return
      case 'failed':
        this.#failure = this.#failed(`failed: ${event.reason}`, event.log)
        for (const { reject } of this.#waiting.values()) reject(this.#failure)
        this.#waiting.clear()
        return
      case 'done':
        this.#waiting.get(event.id)?.resolve()
        this.#waiting.delete(event.id)
    }
  }

  #guardGone(why: string): void {
    this.#guardEnded = true
    this.#pid = undefined
    this.#failure ??= this.#failed(why, this.#guardErrors)
    for (const { reject } of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
  }

  async #ready(deadline: number): Promise<void> {
    let last: unknown
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#pid !== undefined) {
        try {
          await this.#options.probe()
          return
        } catch (error) {
          last = error
        }
      }
      if (performance.now() > deadline) {
        const why = last instanceof Error ? `: ${last.message}` : ''
        throw this.#failed(`was not ready within ${this.#options.readyWithinMs} ms${why}`, '')
      }
      await pause(PROBE_PAUSE_MS)
    }
  }

  #failed(what: string, log: string): ServerFailedError {
    return new ServerFailedError(
      `${this.#options.name} ${what}${log === '' ? '' : `\n--- end of its log:\n${log}`}`,
    )
  }
}

/** Only what a Node process needs: no options or test settings of the run. */
function guardEnvironment(): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const name of ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH']) {
    const value = process.env[name]
    if (value !== undefined) kept[name] = value
  }
  return kept
}
