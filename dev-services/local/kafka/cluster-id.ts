import { randomBytes } from 'node:crypto'

/**
 * A new id for a Kafka cluster: 16 random bytes in URL-safe base64. The first bit is cleared, since an id that begins
 * with `-` (one in 64 would) is taken for an option by the storage tool; Kafka's own generator avoids these too.
 */
export function newClusterId(): string {
  const bytes = randomBytes(16)
  bytes.writeUInt8(bytes.readUInt8(0) & 0x7f, 0)
  return bytes.toString('base64url')
}
