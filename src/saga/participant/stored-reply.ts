import type { Codec } from '../../message/codec.ts'
import type { StoredReply } from './participant-store.ts'

/** A reply’s body as it is stored: encoded by the codec, so that what the codec seals is sealed here too. */
export function storedReply(body: unknown, codec: Codec, owner: string): StoredReply {
  if (body === null) return {}
  const encoded = codec.encode(body, owner)
  return typeof encoded === 'string' ? { text: encoded } : { bytes: encoded }
}

/** The body of a stored reply; `null` where it had none. */
export function restoredReply({ text, bytes }: StoredReply, codec: Codec, owner: string): unknown {
  const encoded = text === undefined ? bytes : Buffer.from(text)
  return encoded === undefined ? null : codec.decode(encoded, owner)
}
