import { describe, expect, test } from 'vitest'
import type { BatchEntry } from '../../../../src/relay/publishing/batch-entry.ts'
import { afterFailedBatch } from '../../../../src/relay/publishing/failed-batch-machine.ts'
import { recordOfRow } from '../../../../src/relay/record/record-of-row.ts'
import type { PublishFailure, PublishResult } from '../../../../src/transport/publisher.ts'
import { rowOf } from '../rows.ts'

const entry = (seq: number, topic = 't', partition = 0): BatchEntry => {
  const row = rowOf({ seq: String(seq) })
  return { row, record: recordOfRow(row, topic, partition) }
}
const failure = (kind: PublishFailure['kind']): PublishFailure => ({ kind, reason: `it is ${kind}` })
const failed = (kind: PublishFailure['kind']) => ({ kind: 'failed', failure: failure(kind) }) as const
const partial = (
  failures: Record<number, PublishFailure['kind']>,
): Extract<PublishResult, { kind: 'partial' }> => ({
  kind: 'partial',
  failures: new Map(Object.entries(failures).map(([index, kind]) => [Number(index), failure(kind)])),
})
const [a, b, c, d] = [entry(1), entry(2), entry(3), entry(4)]

describe('a batch that failed', () => {
  test.each(['retriable', 'unknown'] as const)('for a reason of the moment (%s) is trouble', (kind) => {
    expect(afterFailedBatch([a, b], failed(kind))).toEqual({
      kind: 'trouble',
      batch: [a, b],
      failure: failure(kind),
    })
  })

  test('for a record is halved, in order', () => {
    expect(afterFailedBatch([a, b, c], failed('record'))).toEqual({ kind: 'again', batches: [[a, b], [c]] })
    expect(afterFailedBatch([a, b], failed('record'))).toEqual({ kind: 'again', batches: [[a], [b]] })
  })

  test('for a record is parted by partitions first, so that what was written is not sent again with each half', () => {
    const [x, y, z] = [entry(1, 't', 1), entry(2, 't', 2), entry(3, 't', 1)]
    expect(afterFailedBatch([x, y, z], failed('record'))).toEqual({ kind: 'again', batches: [[x, z], [y]] })
  })

  test('for a record, and had one only, is refused', () => {
    expect(afterFailedBatch([a], failed('record'))).toEqual({
      kind: 'refused',
      entry: a,
      failure: failure('record'),
    })
    expect(afterFailedBatch([a], partial({ 0: 'record' }))).toMatchObject({ kind: 'refused', entry: a })
  })

  test('for a topic is parted by topics, and believed once only one is in it', () => {
    const [x, y, z] = [entry(1, 'x'), entry(2, 'y'), entry(3, 'x')]
    expect(afterFailedBatch([x, y, z], failed('topic'))).toEqual({ kind: 'again', batches: [[x, z], [y]] })
    expect(afterFailedBatch([x, z], failed('topic'))).toEqual({
      kind: 'topic',
      topic: 'x',
      batch: [x, z],
      failure: failure('topic'),
    })
  })
})

describe('a batch of which some failed', () => {
  test('for a reason of the moment: these are in trouble, in order', () => {
    expect(afterFailedBatch([a, b, c, d], partial({ 3: 'unknown', 1: 'retriable' }))).toMatchObject({
      kind: 'trouble',
      batch: [b, d],
    })
  })

  test('for a record: it is not believed before it stood alone', () => {
    expect(afterFailedBatch([a, b], partial({ 1: 'record' }))).toEqual({ kind: 'again', batches: [[b]] })
    expect(afterFailedBatch([a, b, c], partial({ 0: 'record', 2: 'unknown' }))).toEqual({
      kind: 'again',
      batches: [[a], [c]],
    })
  })

  describe('by a driver that tells the outcome record by record', () => {
    const batchesAfter = (batch: readonly BatchEntry[], failures: Record<number, PublishFailure['kind']>) =>
      afterFailedBatch(batch, partial(failures), true)

    test('the record that it names goes alone at once, those around it in their order', () => {
      const failures = { 0: 'retriable', 1: 'retriable', 2: 'record', 3: 'retriable' } as const
      expect(batchesAfter([a, b, c, d], failures)).toEqual({
        kind: 'again',
        batches: [[a, b], [c], [d]],
      })
      expect(afterFailedBatch([a, b, c, d], partial(failures))).toMatchObject({
        batches: [
          [a, b],
          [c, d],
        ],
      })
    })

    test('each partition by itself, and those where nobody is named as a whole', () => {
      const [u, v, w, x, y, z] = [0, 1, 2, 0, 1, 2].map((partition, n) => entry(n + 1, 't', partition))
      if (!u || !v || !w || !x || !y || !z) throw new Error('there are six')
      expect(
        batchesAfter([u, v, w, x, y, z], {
          0: 'record',
          1: 'record',
          2: 'retriable',
          3: 'retriable',
          4: 'record',
          5: 'retriable',
        }),
      ).toEqual({ kind: 'again', batches: [[u], [x], [v, y], [w, z]] })
    })

    test('a whole batch that is blamed is halved, for nobody is named', () => {
      expect(batchesAfter([a, b, c], { 0: 'record', 1: 'record', 2: 'record' })).toEqual({
        kind: 'again',
        batches: [[a, b], [c]],
      })
    })

    test('it is believed once it stood alone', () => {
      expect(batchesAfter([c], { 0: 'record' })).toMatchObject({ kind: 'refused', entry: c })
    })
  })

  test('for a topic: it is not believed before nothing else was in the batch', () => {
    const [x, y, z] = [entry(1, 'x'), entry(2, 'y'), entry(3, 'y')]
    expect(afterFailedBatch([x, y, z], partial({ 1: 'topic', 2: 'topic' }))).toEqual({
      kind: 'again',
      batches: [[y, z]],
    })
    expect(afterFailedBatch([y, z], partial({ 0: 'topic', 1: 'topic' }))).toMatchObject({
      kind: 'topic',
      topic: 'y',
    })
  })
})
