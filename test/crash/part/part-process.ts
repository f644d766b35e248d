import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Kill, PartKind } from '../points.ts'
import type { PartReport, PartSettings } from './part-settings.ts'

/** How a process ended. */
export type Exit = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The point at which it killed itself. */
  readonly reached: Kill | undefined
}

/** Some hundred processes load the same files: this halves what each start costs. */
const compileCache = fileURLToPath(new URL('../../../.cache/compile/', import.meta.url))

const logCharactersMax = 20_000

/** A part in a process of its own, under the Node that runs the tests. */
export class PartProcess {
  readonly kind: PartKind
  /** Resolves once it has ended and all that it said has been read. */
  readonly exited: Promise<Exit>
  readonly #child: ChildProcess
  #reached: Kill | undefined
  #log = ''

  constructor(kind: PartKind, settings: PartSettings) {
    this.kind = kind
    const script = fileURLToPath(new URL(`../processes/${kind}.ts`, import.meta.url))
    this.#child = spawn(
      process.execPath,
      [
        '--conditions=backstitch-source',
        '--disable-warning=ExperimentalWarning',
        script,
        JSON.stringify(settings),
      ],
      {
        env: { ...process.env, NODE_OPTIONS: '', NODE_COMPILE_CACHE: compileCache },
        stdio: ['pipe', 'pipe', 'pipe'],
      },
    )
    const { stdout, stderr } = this.#child
    stderr?.on(
      'data',
      (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-logCharactersMax)),
    )
    if (stdout)
      createInterface({ input: stdout }).on('line', (line) => {
        const report = JSON.parse(line) as PartReport
        if (report.kind === 'reached') this.#reached = { point: report.point, hit: report.hit }
      })
    this.exited = new Promise((resolve, reject) => {
      this.#child.on('error', reject)
      this.#child.on('close', (code, signal) => resolve({ code, signal, reached: this.#reached }))
    })
  }

  /** The end of what it has logged. */
  get log(): string {
    return this.#log
  }

  /** Asks it to stop. */
  terminate(): void {
    this.#child.kill('SIGTERM')
  }

  /** Ends it, in case it still lives. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.exited
  }
}
