/** Bytes of a length as a zigzag varint, as they stand in Kafka’s record format. */
export function varintWidth(length: number): number {
  if (length < 0x40) return 1
  if (length < 0x2000) return 2
  if (length < 0x100000) return 3
  return length < 0x8000000 ? 4 : 5
}

/** Writes a number that is not negative, below 2^30, as a zigzag varint. @returns where it ends */
export function writeVarint(buffer: Buffer, at: number, value: number): number {
  let rest = value << 1
  while (rest >= 0x80) {
    buffer[at++] = (rest & 0x7f) | 0x80
    rest >>>= 7
  }
  buffer[at++] = rest
  return at
}
