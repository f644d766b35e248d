import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { within } from './within.ts'

/** A process of a bench, so that each side’s CPU is its own. It answers by messages. It ends with its parent. */
export class BenchProcess {
  readonly #child: ChildProcess
  readonly #messages: unknown[] = []
  readonly #script: string
  #wake: (() => void) | undefined

  /** @param script in `bench/processes/` */
  constructor(script: string, argument: object) {
    this.#script = script
    this.#child = fork(
      fileURLToPath(new URL(`processes/${script}`, import.meta.url)),
      [JSON.stringify(argument)],
      {
        execArgv: ['--conditions=backstitch-source', '--disable-warning=TimeoutNegativeWarning'],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    this.#child.on('message', (message) => {
      this.#messages.push(message)
      this.#wake?.()
    })
    this.#child.on('exit', () => this.#wake?.())
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** The next message of the process. @throws Error when it ends before, or does not speak in time */
  async message<T>(withinMs: number = 60_000): Promise<T> {
    return within(withinMs, `a word of ${this.#script}`, async () => {
      while (this.#messages.length === 0) {
        if (this.#hasEnded()) throw new Error(`${this.#script} ended early`)
        await new Promise<void>((resolve) => (this.#wake = resolve))
      }
      return this.#messages.shift() as T
    })
  }

  send(message: string): void {
    this.#child.send(message)
  }

  async kill(): Promise<void> {
    if (this.#hasEnded()) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  /** Asks it to stop, and waits; one that does not is killed. */
  async stop(): Promise<void> {
    if (this.#hasEnded()) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    await exited
    clearTimeout(impatience)
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}
