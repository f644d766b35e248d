/**
 * The port that log lines leave by. It is the part of pino’s interface that we use, so a pino logger fits as it is:
 * fields first, then a constant message.
 */
export type Logger = {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  /** A logger that adds these fields to each of its lines. */
  child(fields: object): Logger
}

/** A logger that says nothing: the default of the library, where the application decides what is logged. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
}
