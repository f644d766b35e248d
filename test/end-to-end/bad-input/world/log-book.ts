import type { Logger } from 'backstitch'
import { expect } from 'vitest'

/** One line of a log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string }

/** A logger that remembers its lines. */
export class LogBook implements Logger {
  readonly lines: LogLine[] = []
  readonly #fields: object
  readonly #root: LogBook

  constructor(fields: object = {}, root?: LogBook) {
    this.#fields = fields
    this.#root = root ?? this
  }

  debug(fields: object, message: string): void {
    this.#write('debug', fields, message)
  }

  info(fields: object, message: string): void {
    this.#write('info', fields, message)
  }

  warn(fields: object, message: string): void {
    this.#write('warn', fields, message)
  }

  error(fields: object, message: string): void {
    this.#write('error', fields, message)
  }

  child(fields: object): Logger {
    return new LogBook({ ...this.#fields, ...fields }, this.#root)
  }

  /** Resolves with the first line that has these fields; fails when none has come in 20 s. */
  async says(wanted: Readonly<Record<string, unknown>>): Promise<LogLine> {
    await expect
      .poll(() => this.lines, { timeout: 20_000, interval: 20 })
      .toContainEqual(expect.objectContaining(wanted))
    return this.lines.find((line) => expect.objectContaining(wanted).asymmetricMatch(line)) as LogLine
  }

  #write(level: string, fields: object, msg: string): void {
    this.#root.lines.push({ ...this.#fields, ...fields, level, msg })
  }
}
