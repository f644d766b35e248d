import type { Environment } from '../runtime/config/merge-environment.ts'

/** What a command may touch of the process around it, so that tests can run commands in theirs. */
export type CliIo = {
  /** Results, and the log lines of processes. */
  out(text: string): void
  /** Errors, and what a person should know while waiting. */
  err(text: string): void
  /** Where the configuration’s file is looked for. */
  readonly folder: string
  /** Default: that of the process. */
  readonly environment?: Environment
  /** Calls the listener at each SIGTERM and SIGINT until the returned function is called. */
  onSignal(listener: (signal: 'SIGTERM' | 'SIGINT') => void): () => void
  /** Ends the process at once. */
  exit(code: number): void
}
