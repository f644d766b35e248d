import { BackstitchError, reasonOf } from '../../../kernel/errors.ts'
import { assertWithinLimits, type BodyLimits } from '../../../message/limits.ts'
import { isStorableText, quoted } from '../../../message/storable-text.ts'
import type { StoredHeader } from '../../stored-headers.ts'
import { bytesOf, type ShownBytes, shownBytes } from './shown-bytes.ts'

/** What of a letter an edit replaces. At least one of the two. */
export type LetterEdit = {
  /** The whole body: a text, bytes, or null for a tombstone. */
  readonly body?: string | Buffer | null
  /** Headers that are set, each once, or removed with null; the others stay. */
  readonly headers?: Readonly<Record<string, string | null>>
}

/** What of a letter can be edited, and what follows from it. */
export type LetterContent = {
  readonly messageId: string
  readonly headers: readonly StoredHeader[]
  readonly body: ShownBytes
}

/** Bytes of all headers together. */
const headersBytesMax = 100_000

/**
 * The letter with its edit: another message, with a new id and the old one as its causation id, both in its headers too.
 * @throws `MESSAGE_INVALID`, `MESSAGE_TOO_LARGE`
 */
export function editedLetter(
  letter: LetterContent,
  edit: LetterEdit,
  newId: string,
  limits: BodyLimits,
): LetterContent {
  const changes = edit.headers ?? {}
  if (edit.body === undefined && Object.keys(changes).length === 0)
    throw invalid('neither a body nor a header is given')
  for (const [name, value] of Object.entries(changes)) assertHeader(name, value)
  const set = Object.entries({ ...changes, 'causation-id': letter.messageId, id: newId })
  const kept = letter.headers.filter(({ name }) => !set.some(([own]) => own === name))
  const headers = [
    ...set.flatMap(([name, text]) => (text === null ? [] : [{ name, text }])).toReversed(),
    ...kept,
  ]
  const bytes = Buffer.byteLength(JSON.stringify(headers))
  if (bytes > headersBytesMax)
    throw new BackstitchError(
      'MESSAGE_TOO_LARGE',
      `edit: ${bytes} bytes of headers, the limit is ${headersBytesMax}`,
    )
  const body =
    edit.body === undefined ? letter.body : shownBytes(edit.body === null ? null : Buffer.from(edit.body))
  if (edit.body !== undefined) assertBody(body, headers, limits)
  return { messageId: newId, headers, body }
}

function assertHeader(name: string, value: string | null): void {
  if (name === '' || name === 'id' || name === 'causation-id')
    throw invalid(`the header ${quoted(name)} cannot be given: an edited message gets an id of its own`)
  if (!isStorableText(name) || (value !== null && !isStorableText(value)))
    throw invalid(`the header ${quoted(name)} cannot be ${quoted(value)}`)
}

function assertBody(body: ShownBytes, headers: readonly StoredHeader[], limits: BodyLimits): void {
  if (body === null) return
  const contentType = headers.findLast(({ name }) => name === 'content-type')?.text
  const isJson = contentType !== undefined && /^[^;]*[/+]json\s*(;|$)/.test(contentType)
  const text = 'text' in body ? body.text : ''
  assertWithinLimits(isJson ? text : '', bytesOf(body)?.length ?? 0, limits, 'edit')
  if (!isJson) return
  try {
    JSON.parse(text)
  } catch (cause) {
    throw new BackstitchError('MESSAGE_INVALID', `edit: the body is no JSON: ${reasonOf(cause)}`, { cause })
  }
}

function invalid(what: string): BackstitchError {
  return new BackstitchError('MESSAGE_INVALID', `edit: ${what}`)
}
