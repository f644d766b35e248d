import type { OutgoingRecord } from '../../transport/publisher.ts'
import type { OutboxTuple } from '../source/outbox-tuple.ts'

/** A row on its way out. */
export type BatchEntry = { readonly row: OutboxTuple; readonly record: OutgoingRecord }

/** Entries that go out in one publish, in order. */
export type Batch = readonly BatchEntry[]
