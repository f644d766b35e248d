import { partitionAmong, partitionOf } from '../../transport/partition.ts'
import { type OutboxTuple, at, textAt } from '../source/outbox-tuple.ts'
import { lengthAt } from '../source/packed-tuple.ts'

/** The partition of a row’s key. */
export function partitionOfRow(row: OutboxTuple, partitionCount: number): number {
  if (!('bytes' in row)) return partitionOf(textAt(row, 'aggregateid'), partitionCount)
  const place = row.placeOf(at.aggregateid)
  return partitionAmong(row.bytes, place + 4, place + 4 + lengthAt(row.bytes, place), partitionCount)
}
