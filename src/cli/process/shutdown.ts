import type { CliIo } from '../cli-io.ts'

/** Numbers by which a shell knows that a process ended by a signal. */
const signalExitCode = { SIGTERM: 143, SIGINT: 130 } as const

/** A wish to end. The first signal asks to drain, the second ends the process at once. */
export type Shutdown = {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal
  /** Resolves at the first signal. */
  readonly requested: Promise<void>
  /** Stops listening. */
  dispose(): void
}

/** Listens for SIGTERM and SIGINT until disposed of. `tell` is called with each. */
export function listenForShutdown(
  io: CliIo,
  tell: (signal: string, which: 'drain' | 'end') => void,
): Shutdown {
  const controller = new AbortController()
  const requested = Promise.withResolvers<void>()
  const dispose = io.onSignal((name) => {
    if (controller.signal.aborted) {
      tell(name, 'end')
      io.exit(signalExitCode[name])
      return
    }
    tell(name, 'drain')
    controller.abort()
    requested.resolve()
  })
  return { signal: controller.signal, requested: requested.promise, dispose }
}
