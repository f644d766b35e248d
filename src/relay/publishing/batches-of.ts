import type { Batch, BatchEntry } from './batch-entry.ts'

/** Cuts entries into batches of at most so many records. What a broker takes of bytes is the driver’s to know. */
export function batchesOf(entries: readonly BatchEntry[], recordsMax: number): Batch[] {
  if (entries.length === 0) return []
  if (entries.length <= recordsMax) return [entries]
  return Array.from({ length: Math.ceil(entries.length / recordsMax) }, (_, part) =>
    entries.slice(part * recordsMax, (part + 1) * recordsMax),
  )
}
