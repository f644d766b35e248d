import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Health } from 'backstitch'

/** What `processes/relay.ts` is given. */
export type RelaySettings = {
  readonly url: string
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly leaseDurationMs: number
  /** Default: that of the variable DRIVER, else kafkajs. */
  readonly driver?: string
}

/** What a relay says of itself each moment. */
export type RelayReport = Health & {
  /** Live objects alone: rubbish has been collected. */
  readonly heapMb: number
  /** Sockets, timers and whatever else is open. */
  readonly handles: number
}

/** A relay in a process of its own. */
export class RelayProcess {
  readonly #child: ChildProcess
  /** What it said of itself last. */
  report: RelayReport = { state: 'starting', heapMb: 0, handles: 0 }

  constructor(settings: RelaySettings) {
    this.#child = fork(
      fileURLToPath(new URL('processes/relay.ts', import.meta.url)),
      [JSON.stringify(settings)],
      {
        execArgv: [
          '--conditions=backstitch-source',
          '--disable-warning=TimeoutNegativeWarning',
          '--expose-gc',
        ],
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      },
    )
    this.#child.on('message', (report: RelayReport) => (this.report = report))
  }

  get state(): Health['state'] {
    return this.report.state
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    if (this.#hasEnded()) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await exited
  }

  async stop(): Promise<void> {
    if (this.#hasEnded()) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGTERM')
    const impatience = setTimeout(() => this.#child.kill('SIGKILL'), 20_000)
    await exited
    clearTimeout(impatience)
  }

  #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }
}
