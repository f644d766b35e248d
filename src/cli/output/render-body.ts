import { cellOf } from './render-table.ts'

/** Characters of a body that are printed as text, and bytes as hexadecimal numbers. */
const textShown = 4_000
const bytesShown = 256

/**
 * A body for people: text where it is one, else its first bytes in hexadecimal numbers. All of it is in the JSON.
 */
export function renderBody(body: { readonly text: string } | { readonly base64: string } | null): string {
  if (body === null) return '(none: a tombstone)'
  if ('text' in body) return cut(body.text, textShown, 'character')
  const bytes = Buffer.from(body.base64, 'base64')
  const text = bytes.toString('utf8')
  if (Buffer.from(text, 'utf8').equals(bytes) && !/[^\P{Cc}\n\r\t]/u.test(text))
    return cut(text, textShown, 'character')
  const hex = bytes
    .subarray(0, bytesShown)
    .toString('hex')
    .replaceAll(/(.{64})(?=.)/g, '$1\n')
  return bytes.length > bytesShown ? `${hex}\n... ${bytes.length} bytes in all` : hex
}

/** Control characters, which could move the cursor of a terminal, are escaped; line breaks are not. */
function cut(text: string, lengthMax: number, unit: string): string {
  const shown = text
    .slice(0, lengthMax)
    .split('\n')
    .map((line) => (line === '' ? '' : cellOf(line)))
    .join('\n')
  return text.length > lengthMax ? `${shown}\n... ${text.length} ${unit}s in all` : shown
}

/** Bytes in a cell: text where they are one, else hexadecimal numbers. */
export function renderBytes(
  bytes: { readonly text: string } | { readonly base64: string } | null,
): string | undefined {
  if (bytes === null) return undefined
  return 'text' in bytes ? bytes.text : `\\x${Buffer.from(bytes.base64, 'base64').toString('hex')}`
}
