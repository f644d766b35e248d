import type { TestSignals } from '../../kernel/test-signals.ts'
import { partitionOf } from '../../transport/partition.ts'
import type { BatchEntry } from '../publishing/batch-entry.ts'
import { batchesOf } from '../publishing/batches-of.ts'
import { publishInOrder } from '../publishing/publish-in-order.ts'
import type { PublishScope } from '../publishing/publish-scope.ts'
import type { PublisherLane } from '../publishing/publisher-lane.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'
import { recordOfRow } from '../publishing/record-of-row.ts'
import { textAt } from '../source/outbox-tuple.ts'
import type { QuarantinedRow, RefusedRow } from './quarantine-session.ts'

/** What became of rows of the quarantine. */
export type Republished = {
  /** By `seq`: acknowledged or skipped. */
  readonly drained: readonly string[]
  /** Refused again; all later rows of their keys were left. */
  readonly refused: readonly RefusedRow[]
  /** The topic cannot be written to; what is not in `drained` was left. */
  readonly topicFailure: string | undefined
  /** Kafka, or a partition, has trouble; what is not in `drained` was left. */
  readonly trouble: string | undefined
}

/**
 * Publishes rows of the quarantine in their order, all of one topic, dropping those that are to be skipped. Trouble ends it at once: others
 * must not wait for these rows.
 * With `headFirst` the first row goes alone: it was refused before, and in a batch of its own its failure is known at once.
 * @throws TenureEnded
 */
export async function republish(
  rows: readonly QuarantinedRow[],
  target: {
    readonly topic: string
    readonly partitions: number
    readonly headFirst: boolean
    /** Which part of its deadline each publish may use. Default all of it. */
    readonly deadlineShare?: number
  },
  options: {
    readonly lanes: PublisherLanes
    readonly scope: PublishScope
    readonly signals: TestSignals
    readonly sequenceHeader?: boolean
  },
  lane: PublisherLane = options.lanes.lane(options.lanes.idlest()),
): Promise<Republished> {
  const { topic, partitions, headFirst, deadlineShare = 1 } = target
  const { lanes, scope, signals } = options
  const drained = rows.filter(({ intent }) => intent === 'skip').map(({ row }) => textAt(row, 'seq'))
  const entries = rows
    .filter(({ intent }) => intent !== 'skip')
    .map(
      ({ row }): BatchEntry => ({
        row,
        record: recordOfRow(
          row,
          topic,
          partitionOf(textAt(row, 'aggregateid'), partitions),
          options.sequenceHeader,
        ),
      }),
    )
  const refused: RefusedRow[] = []
  const blocked = new Set<string>()
  let topicFailure: string | undefined
  let trouble: string | undefined
  const cut = headFirst ? 1 : 0
  await publishInOrder(
    [
      ...batchesOf(entries.slice(0, cut), lanes.batchSizeMax),
      ...batchesOf(entries.slice(cut), lanes.batchSizeMax),
    ],
    {
      stillWanted: (batch) => {
        if (topicFailure !== undefined) return []
        return blocked.size === 0
          ? batch
          : batch.filter(({ row }) => !blocked.has(textAt(row, 'aggregateid')))
      },
      onAcknowledged: (batch) => {
        for (const { row } of batch) drained.push(textAt(row, 'seq'))
      },
      onRefused: ({ row }, { reason }) => {
        const key = textAt(row, 'aggregateid')
        blocked.add(key)
        refused.push({ seq: textAt(row, 'seq'), topic, key, code: 'OUTBOX_RECORD_REFUSED', reason })
      },
      onTopicFailure: (_, __, { reason }) => {
        topicFailure = reason
        return Promise.resolve('blocked')
      },
      onTrouble: (_, { reason }) => {
        trouble = reason
        return Promise.resolve()
      },
    },
    { lane, scope, signals },
    { deadlineShare },
  )
  return { drained, refused, topicFailure, trouble }
}
