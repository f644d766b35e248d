import type { Kill, PartKind } from '../points.ts'
import { type Exit, PartProcess } from './part-process.ts'
import type { PartSettings } from './part-settings.ts'

/**
 * A part whose first process dies at a point and is replaced at once by a second one, which lives.
 * Any other death aborts the {@link signal}, so that nobody waits for what cannot come.
 */
export class CrashingPart {
  /** Resolves once the first process has died at its point, and the second one was started. */
  readonly crashed: Promise<void>
  readonly #first: PartProcess
  readonly #trouble = new AbortController()
  #second: PartProcess | undefined
  #stopping = false

  constructor(kind: PartKind, settings: PartSettings, kill: Kill) {
    this.#first = new PartProcess(kind, { ...settings, kill })
    this.crashed = this.#first.exited.then((exit) => {
      const { signal, reached } = exit
      if (signal !== 'SIGKILL' || reached?.point !== kill.point || reached.hit !== kill.hit)
        throw this.#fail(`the ${kind} was to die at ${kill.point}, hit ${kill.hit}: ${told(exit)}`)
      if (this.#stopping) return
      const second = new PartProcess(kind, settings)
      this.#second = second
      void second.exited.then((end) => {
        if (!this.#stopping) this.#fail(`the second ${kind} ended by itself: ${told(end)}`)
      })
    })
    this.crashed.catch(() => undefined) // told by the signal too
  }

  /** Aborts, with an error as its reason, when a process ends as it should not. */
  get signal(): AbortSignal {
    return this.#trouble.signal
  }

  /** Asks the first process to stop, for the points that it passes only then. */
  askToStop(): void {
    this.#first.terminate()
  }

  /** Stops the second process in order. @throws Error if it does not end well */
  async stop(): Promise<void> {
    await this.crashed
    this.#stopping = true
    this.#second?.terminate()
    const exit = await this.#second?.exited
    if (exit?.code !== 0)
      throw this.#fail(`the second ${this.#first.kind} did not stop in order: ${told(exit)}`)
  }

  /** Ends whatever of it still lives. */
  async kill(): Promise<void> {
    this.#stopping = true
    await this.#first.kill()
    await this.#second?.kill()
  }

  /** What its processes logged last. */
  get log(): string {
    return `first process\n${this.#first.log}\nsecond process\n${this.#second?.log ?? ''}`
  }

  #fail(what: string): Error {
    const error = new Error(what)
    this.#trouble.abort(error)
    return error
  }
}

function told(exit: Exit | undefined): string {
  const { code, signal, reached } = exit ?? {}
  return `it ended with ${signal ?? code}${reached ? ` at ${reached.point}, hit ${reached.hit}` : ''}`
}
