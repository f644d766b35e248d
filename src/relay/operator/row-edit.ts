import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import { type BodyLimits, assertWithinLimits } from '../../message/limits.ts'
import { isStorableText, quoted } from '../../message/storable-text.ts'
import { isReservedHeader } from '../../message/wire-headers.ts'

/** What of a row an edit replaces. At least one of the two. */
export type RowEdit = {
  /** The whole body: a text, bytes, or null for a tombstone. A row keeps its form: bytes for a row in text must be a text in UTF-8. */
  readonly body?: string | Buffer | null
  /** Headers of the writer that are set, or removed with null; the others stay. */
  readonly headers?: Readonly<Record<string, string | null>>
}

/** What of a row can be edited, and what follows from it. */
export type RowContent = {
  readonly id: string
  readonly causationId: string | null
  /** The body in text. */
  readonly payload: string | null
  /** The body in bytes, in base64. */
  readonly payloadBase64: string | null
  readonly headers: Readonly<Record<string, unknown>> | null
}

/** Bytes of all headers together. */
const headersBytesMax = 100_000

/**
 * The row with its edit: another message, with a new id and the old one as its causation id.
 * @param row `contentType` is null for JSON, and bodies in JSON must be JSON
 * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
 */
export function editedContent(
  row: RowContent & { readonly contentType: string | null },
  edit: RowEdit,
  newId: string,
  limits: BodyLimits,
): RowContent {
  if (edit.body === undefined && Object.keys(edit.headers ?? {}).length === 0)
    throw new BackstitchError('MESSAGE_INVALID', 'edit: neither a body nor a header is given')
  const { id, payload, payloadBase64, headers } = row
  return {
    id: newId,
    causationId: id,
    ...(edit.body === undefined ? { payload, payloadBase64 } : bodyOf(edit.body, row, limits)),
    headers: headersOf(headers, edit.headers ?? {}),
  }
}

function bodyOf(
  body: string | Buffer | null,
  row: { readonly payloadBase64: string | null; readonly contentType: string | null },
  limits: BodyLimits,
): Pick<RowContent, 'payload' | 'payloadBase64'> {
  if (body === null) return { payload: null, payloadBase64: null }
  if (row.payloadBase64 !== null) {
    const bytes = Buffer.from(body)
    assertWithinLimits('', bytes.length, limits, 'edit')
    return { payload: null, payloadBase64: bytes.toString('base64') }
  }
  const text = typeof body === 'string' ? body : decoded(body)
  const isJson = row.contentType === null
  assertWithinLimits(isJson ? text : '', Buffer.byteLength(text), limits, 'edit')
  if (!isStorableText(text))
    throw new BackstitchError('MESSAGE_INVALID', 'edit: the body holds a NUL or a lone surrogate')
  if (isJson) assertJson(text)
  return { payload: text, payloadBase64: null }
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new BackstitchError('MESSAGE_INVALID', 'edit: the body is no text in UTF-8', { cause })
  }
}

function assertJson(text: string): void {
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new BackstitchError('MESSAGE_INVALID', `edit: the body is no JSON: ${reasonOf(cause)}`, { cause })
  }
}

function headersOf(
  before: Readonly<Record<string, unknown>> | null,
  changes: Readonly<Record<string, string | null>>,
): RowContent['headers'] {
  const headers = new Map(Object.entries(before ?? {}))
  for (const [name, value] of Object.entries(changes)) {
    if (name === '' || isReservedHeader(name))
      throw new BackstitchError(
        'MESSAGE_INVALID',
        `edit: the header name ${quoted(name)} is empty or one of backstitch’s own`,
      )
    if (!isStorableText(name) || (value !== null && !isStorableText(value)))
      throw new BackstitchError(
        'MESSAGE_INVALID',
        `edit: the header ${quoted(name)} cannot be ${quoted(value)}`,
      )
    if (value === null) headers.delete(name)
    else headers.set(name, value)
  }
  const after = Object.fromEntries(headers)
  const bytes = Buffer.byteLength(JSON.stringify(after))
  if (bytes > headersBytesMax)
    throw new BackstitchError(
      'MESSAGE_TOO_LARGE',
      `edit: ${bytes} bytes of headers, the limit is ${headersBytesMax}`,
    )
  return headers.size === 0 ? null : after
}
