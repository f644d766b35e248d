/** A connection that hears when writers have committed. */
export type WakeListener = {
  /** Lets go of it. Never throws. */
  close(): void
}

/** What a {@link WakeListener} tells. */
export type WakeEvents = {
  /** A writer has committed. */
  onWake(): void
  /** Whether it is proven to hear, and if not, why. */
  onState(isListening: boolean, reason?: string): void
}
