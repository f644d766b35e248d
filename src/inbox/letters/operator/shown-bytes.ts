import { isStorableText } from '../../../message/storable-text.ts'

/** Bytes as people and JSON can have them: as text where they are text in UTF-8, else in base64; null where there are none. */
export type ShownBytes = { readonly text: string } | { readonly base64: string } | null

/** @example shownBytes(Buffer.from('{}')) // { text: '{}' } */
export function shownBytes(bytes: Buffer | null): ShownBytes {
  if (bytes === null) return null
  const text = bytes.toString('utf8')
  return isStorableText(text) && Buffer.from(text).equals(bytes)
    ? { text }
    : { base64: bytes.toString('base64') }
}

/** The bytes again. */
export function bytesOf(shown: ShownBytes): Buffer | null {
  if (shown === null) return null
  return 'text' in shown ? Buffer.from(shown.text) : Buffer.from(shown.base64, 'base64')
}
