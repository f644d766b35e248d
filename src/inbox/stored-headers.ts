import { isStorableText } from '../message/storable-text.ts'

/** One Kafka header as JSON: its value as text where it is text, else in base64; neither is a header without a value. */
export type StoredHeader = { readonly name: string; readonly text?: string; readonly base64?: string }

/** Kafka headers as JSON that `jsonb` can hold, in their order, with values that can be had again byte for byte. */
export function storedHeaders(
  headers: readonly (readonly [name: string, value: Buffer | null])[],
): readonly StoredHeader[] {
  return headers.map(([headerName, value]) => {
    const name = headerName.replaceAll('\0', '\uFFFD').toWellFormed()
    if (value === null) return { name }
    const text = value.toString('utf8')
    return isStorableText(text) && Buffer.from(text).equals(value)
      ? { name, text }
      : { name, base64: value.toString('base64') }
  })
}
