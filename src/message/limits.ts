import { BackstitchError } from '../kernel/errors.ts'

/** What a body may be at most, checked before any schema runs. */
export type BodyLimits = {
  /** Bytes of the encoded body. Kafka’s own default limit of a whole batch is 1,048,588. */
  readonly bytesMax: number
  /** How deep arrays and objects may be nested. */
  readonly depthMax: number
}

/** 900 kB, so that key and headers fit into Kafka’s default limit, and 64 levels. */
export const defaultBodyLimits: BodyLimits = { bytesMax: 900_000, depthMax: 64 }

/**
 * Refuses a JSON text that is too long or too deep, without parsing it.
 * @throws `MESSAGE_TOO_LARGE`
 */
export function assertWithinLimits(json: string, bytes: number, limits: BodyLimits, owner: string): void {
  if (bytes > limits.bytesMax)
    throw new BackstitchError(
      'MESSAGE_TOO_LARGE',
      `${owner}: ${bytes} bytes, the limit is ${limits.bytesMax}`,
    )
  // A text of fewer characters than the limit cannot be nested deeper.
  if (bytes > limits.depthMax && depthExceeds(json, limits.depthMax))
    throw new BackstitchError('MESSAGE_TOO_LARGE', `${owner}: nested deeper than ${limits.depthMax} levels`)
}

/**
 * Refuses encoded JSON that is too long or too deep, without parsing it.
 * @throws `MESSAGE_TOO_LARGE`
 */
export function assertBytesWithinLimits(json: Buffer, limits: BodyLimits, owner: string): void {
  // All that counts for the depth is ASCII, and Latin-1 shows that at the price of a copy: of a body that opens few levels it is not needed.
  const text = opensMoreThan(json, limits.depthMax) ? json.toString('latin1') : ''
  assertWithinLimits(text, json.length, limits, owner)
}

/** Whether bytes hold more brackets than a number, those of its texts included. */
function opensMoreThan(json: Buffer, count: number): boolean {
  let found = 0
  for (const bracket of [0x7b, 0x5b])
    for (let at = json.indexOf(bracket); at >= 0; at = json.indexOf(bracket, at + 1))
      if (++found > count) return true
  return false
}

function depthExceeds(json: string, depthMax: number): boolean {
  let depth = 0
  let inString = false
  for (let i = 0; i < json.length; i++) {
    const character = json.charCodeAt(i)
    if (inString) {
      if (character === 0x5c) i++
      else if (character === 0x22) inString = false
    } else if (character === 0x22) inString = true
    else if (character === 0x7b || character === 0x5b) {
      if (++depth > depthMax) return true
    } else if (character === 0x7d || character === 0x5d) depth--
  }
  return false
}
