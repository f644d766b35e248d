import { createHash } from 'node:crypto'

/** The channel on which commits to the outbox of a schema are announced: a name of any schema would be too long. */
export function wakeChannel(schemaName: string): string {
  return `backstitch_${createHash('sha256').update(schemaName).digest('hex').slice(0, 16)}`
}
