/**
 * Whether Postgres can hold a text: no NUL, which no text type takes, and no lone surrogate, which UTF-8 does not have.
 * A statement with such a text fails and takes its transaction with it, so texts of users are tested before they get there.
 */
export function isStorableText(value: unknown): value is string {
  return typeof value === 'string' && !value.includes('\0') && value.isWellFormed()
}

/** A text of unknown content for an error message: cut to 80 characters, quoted, with control characters escaped. */
export function quoted(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : `a value of type ${typeof value}`
}
