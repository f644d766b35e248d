import type { CliIo } from '../cli-io.ts'

/** Numbers by which a shell knows that a process ended by a signal. */
const signalExitCode = { SIGTERM: 143, SIGINT: 130 } as const

/** A wish to end. The first signal asks to drain, the second ends the process at once. */
export type Shutdown = {
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
  let isRequested = false
  const requested = Promise.withResolvers<void>()
  const dispose = io.onSignal((name) => {
    if (isRequested) {
      tell(name, 'end')
      io.exit(signalExitCode[name])
      return
    }
    tell(name, 'drain')
    isRequested = true
    requested.resolve()
  })
  return { requested: requested.promise, dispose }
}
