/**
 * A part of a process that works until it is stopped: a relay, an orchestrator, a participant, a consumer. Several may share one process.
 */
export type ProcessPart = {
  readonly name: string
  /** Resolves once the part works (it has its connections and its subscriptions). Safe to await once only. */
  start(): Promise<void>
  /** Finishes what is in hand and lets go, within the part’s deadline; never rejects for work that was left: it is done again elsewhere. */
  stop(): Promise<void>
  /** How the part is just now. */
  health(): Health
}

/**
 * `starting` waits for its servers, `standby` waits for another owner to let go, `failing` works on an error that it names, `stalled` is
 * stuck for a reason that it does not know: only a new process helps.
 */
export type Health = {
  readonly state: 'starting' | 'running' | 'standby' | 'failing' | 'stalled' | 'stopped'
  readonly reason?: string
}
