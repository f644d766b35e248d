import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A process of a bench, so that each side’s CPU is its own. It answers by messages. */
export class BenchProcess {
  readonly #child: ChildProcess
  readonly #messages: unknown[] = []
  #wake: (() => void) | undefined

  /** @param script in `bench/processes/` */
  constructor(script: string, argument: object) {
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

  /** The next message of the process. */
  async message<T>(): Promise<T> {
    while (this.#messages.length === 0) {
      if (this.#child.exitCode !== null) throw new Error('a process of the bench ended early')
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    return this.#messages.shift() as T
  }

  /** Asks it to stop, and waits. The process answers with its CPU time first where it has one to tell. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await exited
  }
}
