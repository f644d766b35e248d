import type { Health } from '../kernel/lifecycle.ts'

/** A part of the process and how it is. */
export type PartHealth = { readonly name: string } & Health

/** What a probe is answered. */
export type ProbeAnswer = {
  readonly ok: boolean
  readonly parts: readonly PartHealth[]
}

/**
 * Whether the process is alive: everything that waits or works on an error is, for a new process would do no better. Only what is stuck is
 * not.
 */
export function liveness(parts: readonly PartHealth[]): ProbeAnswer {
  return { ok: parts.every(({ state }) => state !== 'stalled'), parts }
}

/** Whether it does what it is there for. A standby does: it is ready to take over. Whoever drains does not. */
export function readiness(parts: readonly PartHealth[], isDraining: boolean): ProbeAnswer {
  return {
    ok: !isDraining && parts.every(({ state }) => state === 'running' || state === 'standby'),
    parts,
  }
}
