/** What has gone wrong with a record so far. It is kept in memory: another member counts anew. */
export type Trouble = {
  /** Failures that may be the record’s own fault. */
  failures: number
  /** Waits for the surroundings since the last time something else happened. */
  waits: number
  reason: string
  /** When the first failure that counts came, by the clock of this process. */
  sinceMs: number | undefined
  /** The handler lost its connection the last time that it ran. */
  hasLost: boolean
  /** What to write among the dead letters: the attempts are spent, and the handler is not called any more. */
  burial: { readonly thrown: unknown; readonly attempts: number } | undefined
}

/** The trouble of a record that had none. */
export function newTrouble(): Trouble {
  return { failures: 0, waits: 0, reason: '', sinceMs: undefined, hasLost: false, burial: undefined }
}
