import { type ErrorCode, errorCatalogue } from './error-catalogue.ts'

const mark = Symbol.for('backstitch.error')

/**
 * The one error class of backstitch: a stable `code`, the place, what to do, and whether trying again can help.
 *
 * @example
 * throw new BackstitchError('MESSAGE_INVALID', 'order.placed v1: total: expected an integer', { details: { issues } })
 */
export class BackstitchError extends Error {
  override readonly name = 'BackstitchError'
  readonly code: ErrorCode
  /** Whether the same call can succeed later without anybody’s doing. */
  readonly retriable: boolean
  /** Facts for machines: ids, names, limits. Never payloads. */
  readonly details: Readonly<Record<string, unknown>>
  readonly [mark] = true

  /**
   * @param code the entry of the catalogue
   * @param place what exactly, and where: `order.placed v1: total: expected an integer`
   */
  constructor(
    code: ErrorCode,
    place: string,
    options: { details?: Readonly<Record<string, unknown>>; cause?: unknown } = {},
  ) {
    const entry = errorCatalogue[code]
    super(
      `${code}: ${entry.summary} ${place.replace(/\.?$/, '.')} ${entry.action}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.code = code
    this.retriable = entry.retriable
    this.details = options.details ?? {}
  }
}

/**
 * Tells whether a value is an error of backstitch, and of that code when one is given. Works across two installed copies of the
 * package, where `instanceof` does not.
 */
export function isBackstitchError(value: unknown, code?: ErrorCode): value is BackstitchError {
  if (typeof value !== 'object' || value === null || !(mark in value)) return false
  return code === undefined || (value as BackstitchError).code === code
}

const reasonLengthMax = 4_000

/**
 * The message of whatever was thrown, for a log line or a `reason` column: at most 4,000 characters that Postgres can hold, never empty.
 * An `AggregateError` without a message of its own (Node throws one when no address of a host answers) gives those of its errors.
 */
export function reasonOf(thrown: unknown): string {
  const text = messageOf(thrown) || 'an error without a message'
  return text.slice(0, reasonLengthMax).replaceAll('\0', '\ufffd').toWellFormed()
}

function messageOf(thrown: unknown): string {
  try {
    if (!(thrown instanceof Error)) return String(thrown)
    if (thrown.message !== '') return thrown.message
    return thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : thrown.name
  } catch {
    return '' // its own message or conversion throws
  }
}
