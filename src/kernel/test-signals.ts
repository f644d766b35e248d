/**
 * Named points in the code where a test can wait, look, or kill the process. In production nothing listens: the default does nothing.
 * A test hands its own to the part it starts; no environment variable reaches it. (The idea is River’s `testsignal`.)
 */
export type TestSignals = {
  /** Called at each point with its name, such as `relay.publish.before`. A returned promise is awaited. */
  reach(point: string): Promise<void> | void
}

/** Nobody listens. */
export const noTestSignals: TestSignals = { reach: () => undefined }
