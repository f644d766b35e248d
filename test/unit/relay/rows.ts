import { at, type OutboxColumn } from '../../../src/relay/source/outbox-tuple.ts'

/** A row as the database hands it over; what is not given is null, or something usual where the column never is. */
export function rowOf(values: Partial<Record<OutboxColumn, string | null>> = {}): readonly (string | null)[] {
  const usual: Partial<Record<OutboxColumn, string | null>> = {
    seq: '1',
    aggregatetype: 'order',
    aggregateid: 'o-1',
    payload: '{}',
    id: '01a20cc2-4336-771b-90d2-d9c3fc145ea7',
    type: 'order.placed',
    version: '1',
    created_at: '1795510387.510243',
  }
  return (Object.keys(at) as OutboxColumn[]).map((column) => ({ ...usual, ...values })[column] ?? null)
}

/** Rows `1` to `count`, dealt out over keys `k-0`, `k-1`, ... */
export function rowsOf(count: number, keys: number = 7, from: number = 1): (readonly (string | null)[])[] {
  return Array.from({ length: count }, (_, n) =>
    rowOf({ seq: String(from + n), aggregateid: `k-${n % keys}`, payload: String(from + n) }),
  )
}
