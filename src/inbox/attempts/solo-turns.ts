/**
 * Lets one suspect of a process run at a time: were two of them in hand when it dies, the innocent would be blamed with the killer. The
 * members of all groups in a process share one.
 */
export type SoloTurns = {
  /** Waits for the turn. Call what it gives when the suspect has ended. */
  take(): Promise<() => void>
}

/** Makes {@link SoloTurns}. */
export function soloTurns(): SoloTurns {
  let last: Promise<void> = Promise.resolve()
  return {
    take: async () => {
      const before = last
      const { promise, resolve } = Promise.withResolvers<void>()
      last = promise
      await before
      return resolve
    },
  }
}
