/**
 * A program to run. `{folder}` in an argument stands for the guard's folder, which only exists once the guard
 * has made it.
 */
export interface GuardedCommand {
  path: string
  args: string[]
}

/** The first line a guard reads: everything it needs to set up one server, run it and clear it away. */
export interface GuardOrder {
  /** Absolute prefix of the server's own folder; the guard adds six random characters. */
  folderPrefix: string
  /** The OS user the commands run as; absent: the user of the run. */
  owner: { uid: number; gid: number } | undefined
  env: Record<string, string>
  /** Text files written into the folder first, by name; `{folder}` is replaced here as well. */
  files: Record<string, string>
  /** Run once, in turn, before the server (initdb, the storage format). */
  steps: GuardedCommand[]
  server: GuardedCommand
  /** The signal of an orderly stop, then SIGKILL after `graceMs`. */
  stopSignal: NodeJS.Signals
  graceMs: number
}

/** Every later line a guard reads. The end of the stream means: the run is over, clear everything away. */
export type GuardCommand =
  | { id: number; verb: 'kill'; signal: NodeJS.Signals }
  | { id: number; verb: 'restart' }
  | { id: number; verb: 'stop' }

/** Every line a guard writes. */
export type GuardEvent =
  | { event: 'started'; pid: number; folder: string }
  | { event: 'exited'; pid: number; how: string; log: string }
  | { event: 'failed'; reason: string; log: string }
  | { event: 'done'; id: number }
