import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, mkdirSync } from 'node:fs'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const root = new URL('..', import.meta.url)

/** Where the processes of the demo write their logs. */
export const logFolder = fileURLToPath(new URL('.cache/demo/', root))

/** One process of the demo; its output goes to a file of its own. */
export class DemoProcess {
  readonly name: string
  readonly #argv: readonly string[]
  readonly #env: NodeJS.ProcessEnv
  #child: ChildProcess | undefined
  #expected = false
  #onMessage: ((message: unknown) => void) | undefined

  /** @param script relative to the repository’s root */
  constructor(name: string, script: string, argv: readonly string[], env: NodeJS.ProcessEnv) {
    this.name = name
    this.#argv = [
      '--conditions=backstitch-source',
      '--import=./demo/processes/end-with-parent.ts',
      script,
      ...argv,
    ]
    this.#env = env
  }

  /** Starts it, or starts it again. An exit that nobody asked for ends the demo. */
  start(onMessage?: (message: unknown) => void): this {
    this.#onMessage = onMessage ?? this.#onMessage
    this.#expected = false
    mkdirSync(logFolder, { recursive: true })
    const log = createWriteStream(`${logFolder}${this.name}.log`, { flags: 'a' })
    const child = spawn(process.execPath, this.#argv, {
      cwd: root,
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    child.stdout?.pipe(log, { end: false })
    child.stderr?.pipe(log, { end: false })
    child.on('message', (message) => this.#onMessage?.(message))
    child.on('exit', (code, signal) => {
      log.end()
      if (this.#expected || code === 0) return
      console.error(
        `\nThe process ${this.name} ended with ${signal ?? code}; its log is ${logFolder}${this.name}.log`,
      )
      process.exit(1)
    })
    this.#child = child
    return this
  }

  /** Kills it without a warning, as a power cut would. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  /** Asks it to finish what it has in hand, and kills it after ten seconds. */
  async stop(): Promise<void> {
    const timer = setTimeout(() => this.#child?.kill('SIGKILL'), 10_000)
    await this.#end('SIGTERM')
    clearTimeout(timer)
  }

  /** Resolves once it has ended by itself. */
  async ended(): Promise<void> {
    if (this.#child && this.#child.exitCode === null && this.#child.signalCode === null)
      await once(this.#child, 'exit')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#expected = true
    if (!child || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
}
