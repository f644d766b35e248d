import { BackstitchError, reasonOf } from '../kernel/errors.ts'

/**
 * Turns bodies into what the outbox stores and back. JSON by default; Avro, Protobuf, a schema registry or field encryption plug in here.
 * It runs inside the writer’s transaction and in the consumer: the relay carries bytes and needs neither codec nor keys.
 */
export type Codec = {
  /** Goes out as the header `content-type`. */
  readonly contentType: string
  /** A string goes to the column `payload`, bytes go to `payload_binary`. Throws when the body cannot be encoded. */
  encode(body: unknown, owner: string): string | Buffer
  /** Throws `MESSAGE_MALFORMED` when the bytes are no such body. */
  decode(bytes: Buffer, owner: string): unknown
}

/**
 * JSON in UTF-8, refused when the bytes are no valid UTF-8. What JSON cannot say follows `JSON.stringify`: a bigint or a cycle is refused,
 * a `NaN` becomes `null` and an `undefined` member is left out, so it is the contract’s schema that must refuse them.
 */
export const jsonCodec: Codec = {
  contentType: 'application/json',
  encode: (body, owner) => {
    let json: string | undefined
    try {
      json = JSON.stringify(body)
    } catch (cause) {
      // V8 gives up on a nesting of thousands of levels and on a text of half a gigabyte with a RangeError.
      const code = cause instanceof RangeError ? 'MESSAGE_TOO_LARGE' : 'MESSAGE_INVALID'
      throw new BackstitchError(code, `${owner}: ${reasonOf(cause)}`, { cause })
    }
    if (json === undefined)
      throw new BackstitchError('MESSAGE_INVALID', `${owner}: JSON has no ${typeof body}`)
    return json
  },
  decode: (bytes, owner) => {
    try {
      return JSON.parse(utf8.decode(bytes))
    } catch (cause) {
      throw new BackstitchError('MESSAGE_MALFORMED', `${owner}: ${reasonOf(cause)}`, { cause })
    }
  },
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
