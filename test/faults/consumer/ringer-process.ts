import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { RingerSettings } from './bell.ts'

/** A call of a handler. */
export type Call = { readonly tower: string; readonly n: number; readonly attempt: number }

const script = fileURLToPath(new URL('processes/ringer.ts', import.meta.url))
const logCharactersMax = 30_000

/** A member of a group, in processes of its own: when one dies by itself the next one is started, as a supervisor would. */
export class RingerProcess {
  /** All calls of handlers, by the number of the process. */
  readonly calls: (Call & { readonly process: number })[] = []
  /** How its processes died by themselves: a signal, or an exit code. */
  readonly deaths: string[] = []
  /** What they wrote last. */
  log = ''
  readonly #settings: RingerSettings
  #child: ChildProcess
  #exited: Promise<void> = Promise.resolve()
  #count = 0
  #isStopping = false

  constructor(settings: RingerSettings) {
    this.#settings = settings
    this.#child = this.#start()
  }

  /** Sends the process of just now a signal; one that ends it has the next one started. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** The number of the process that runs, from 1. */
  get process(): number {
    return this.#count
  }

  /** Stops in order, and starts no other. */
  async stop(): Promise<void> {
    this.#isStopping = true
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGTERM')
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 15_000)
    await this.#exited
    clearTimeout(impatience)
  }

  #start(): ChildProcess {
    this.#count += 1
    const own = this.#count
    const child = spawn(
      process.execPath,
      [
        '--max-old-space-size=96',
        '--conditions=backstitch-source',
        '--disable-warning=ExperimentalWarning',
        script,
        JSON.stringify(this.#settings),
      ],
      { env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['pipe', 'pipe', 'pipe'] },
    )
    child.stderr.on('data', (chunk: Buffer) => {
      this.log = (this.log + chunk.toString()).slice(-logCharactersMax)
    })
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.calls.push({ ...(JSON.parse(line) as Call), process: own })
    })
    this.#exited = new Promise((resolve) => {
      child.on('close', (code, signal) => {
        if (!this.#isStopping) {
          this.deaths.push(signal ?? String(code))
          this.#child = this.#start()
        }
        resolve()
      })
    })
    return child
  }
}
