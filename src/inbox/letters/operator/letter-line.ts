import { BackstitchError, reasonOf } from '../../../kernel/errors.ts'
import { isUuid } from '../../../kernel/ids.ts'
import type { WholeLetter } from './letter-entry.ts'

/** A letter as one line of JSON, without the line break: what `backstitch dlq export` writes. */
export function letterLine(whole: WholeLetter): string {
  return JSON.stringify(whole)
}

/**
 * Reads a line that `backstitch dlq export` wrote: the same letter, its bytes as they were (`text` in UTF-8, or `base64`).
 * @throws `MESSAGE_MALFORMED` when it is none
 * @example
 * for await (const line of createInterface(createReadStream('letters.jsonl'))) {
 *   const { topic, key, headers, body } = readLetterLine(line)
 * }
 */
export function readLetterLine(line: string): WholeLetter {
  try {
    const letter = JSON.parse(line) as Readonly<Record<string, unknown>>
    const wrong = Object.entries(fields).find(([name, fits]) => !fits(letter[name]))
    if (wrong) throw new BackstitchError('MESSAGE_MALFORMED', `its field ${wrong[0]}`)
    const { deadAt, dueAt, ...others } = letter as unknown as WholeLetter
    return { ...others, deadAt: new Date(deadAt), ...(dueAt !== undefined && { dueAt: new Date(dueAt) }) }
  } catch (cause) {
    throw new BackstitchError('MESSAGE_MALFORMED', `a line of an export: ${reasonOf(cause)}`, { cause })
  }
}

const isText = (value: unknown): boolean => typeof value === 'string'
const isNumber = (value: unknown): boolean => typeof value === 'number' && Number.isFinite(value)
const isTime = (value: unknown): boolean => typeof value === 'string' && !Number.isNaN(Date.parse(value))
const isDecimal = (value: unknown): boolean => typeof value === 'string' && /^-?\d{1,19}$/.test(value)
const isBase64 = (value: unknown): boolean =>
  typeof value === 'string' && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
const isOneOf =
  (...values: readonly string[]) =>
  (value: unknown): boolean =>
    typeof value === 'string' && values.includes(value)
const orAbsent =
  (fits: (value: unknown) => boolean) =>
  (value: unknown): boolean =>
    value === undefined || fits(value)

function isBytes(value: unknown): boolean {
  if (value === null) return true
  if (typeof value !== 'object') return false
  return 'text' in value ? isText(value.text) : 'base64' in value && isBase64(value.base64)
}

function areHeaders(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (header: unknown) =>
        typeof header === 'object' &&
        header !== null &&
        'name' in header &&
        isText(header.name) &&
        (!('text' in header) || isText(header.text)) &&
        (!('base64' in header) || isBase64(header.base64)),
    )
  )
}

const fields: Readonly<Record<keyof WholeLetter, (value: unknown) => boolean>> = {
  id: isDecimal,
  group: isText,
  topic: isText,
  partition: isNumber,
  offset: isDecimal,
  key: isBytes,
  messageId: (value) => typeof value === 'string' && isUuid(value),
  type: orAbsent(isText),
  bytes: isNumber,
  code: isText,
  reason: isText,
  attempts: isNumber,
  deadAt: isTime,
  state: isOneOf('dead', 'retrying'),
  dueAt: orAbsent(isTime),
  order: isOneOf('key', 'none'),
  isHead: (value) => typeof value === 'boolean',
  headers: areHeaders,
  body: isBytes,
  stack: orAbsent(isText),
  timestampMs: isNumber,
}
