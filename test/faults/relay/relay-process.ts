import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Health } from 'backstitch'

type Report = { readonly kind: 'started' } | ({ readonly kind: 'health' } & Health)

/** A relay in a process of its own. */
export class RelayProcess {
  readonly #child: ChildProcess
  /** What it said of itself last. */
  health: Health = { state: 'starting' }

  /** @param settings see `processes/relay.ts` */
  constructor(settings: object) {
    this.#child = fork(
      fileURLToPath(new URL('processes/relay.ts', import.meta.url)),
      [JSON.stringify(settings)],
      { execArgv: ['--conditions=backstitch-source'], stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
    )
    this.#child.on('message', (report: Report) => {
      if (report.kind === 'health') this.health = report
    })
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const exited = once(this.#child, 'exit')
    this.#child.kill('SIGCONT')
    this.#child.kill('SIGTERM')
    await exited
  }
}
