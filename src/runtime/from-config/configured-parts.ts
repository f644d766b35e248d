import type { ProcessPart } from '../../kernel/lifecycle.ts'
import type { ProbeServer } from '../../telemetry/probe-server.ts'

/** Parts of a process, and how to let go of what they were given once they have stopped. */
export type ConfiguredParts = {
  readonly parts: readonly ProcessPart[]
  /** Answers those who watch over the process; `undefined` where the configuration wants none. */
  readonly probes: ProbeServer | undefined
  readonly close: () => Promise<void>
}
