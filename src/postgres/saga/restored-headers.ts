import type { StoredHeader } from '../../inbox/stored-headers.ts'

/** The headers of a record again, out of what `storedHeaders` made of them. One without a value is left out, which says the same. */
export function restoredHeaders(
  stored: readonly StoredHeader[],
): readonly (readonly [name: string, value: Buffer])[] {
  return stored.flatMap(({ name, text, base64 }) => {
    if (text !== undefined) return [[name, Buffer.from(text)] as const]
    return base64 === undefined ? [] : [[name, Buffer.from(base64, 'base64')] as const]
  })
}
