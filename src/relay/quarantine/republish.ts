import type { TestSignals } from '../../kernel/test-signals.ts'
import { partitionOf } from '../../transport/partition.ts'
import type { PublishFailure } from '../../transport/publisher.ts'
import type { Batch, BatchEntry } from '../publishing/batch-entry.ts'
import { batchesOf } from '../publishing/batches-of.ts'
import { type PublishOwner, publishInOrder } from '../publishing/publish-in-order.ts'
import type { PublishScope } from '../publishing/publish-scope.ts'
import type { PublisherLane } from '../publishing/publisher-lane.ts'
import type { PublisherLanes } from '../publishing/publisher-lanes.ts'
import { recordOfRow } from '../record/record-of-row.ts'
import { textAt } from '../source/outbox-tuple.ts'
import type { QuarantinedRow, RefusedRow } from './quarantine-session.ts'
import { tryPartitions } from './try-partitions.ts'

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
  /** There was trouble, overcome or not: there may be rows that were not tried. */
  readonly hadTrouble: boolean
  /** By `seq`: rows of partitions that are held back from now on. */
  readonly held: readonly { readonly seq: string; readonly partition: number }[]
}

/**
 * Publishes rows of the quarantine in their order, all of one topic, dropping those that are to be skipped. Trouble ends it at once: others
 * must not wait for these rows. With `hold` the partitions are tried each by itself then, once, and those at fault handed over.
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
    /** Holds a partition back from now on. @returns false: it must not be held back */
    readonly hold?: (partition: number, reason: string, isProven: boolean) => boolean
  },
  options: {
    readonly lanes: PublisherLanes
    readonly scope: PublishScope
    readonly signals: TestSignals
    readonly sequenceHeader?: boolean
  },
  lane: PublisherLane = options.lanes.lane(options.lanes.idlest()),
): Promise<Republished> {
  const { topic, partitions, headFirst, deadlineShare = 1, hold } = target
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
  let hadTrouble = false
  const held: { seq: string; partition: number }[] = []
  const cut = headFirst ? 1 : 0
  const means = { lane, scope, signals }
  const owner: Omit<PublishOwner, 'onTrouble'> = {
    stillWanted: (batch) => {
      if (topicFailure !== undefined) return []
      return blocked.size === 0 ? batch : batch.filter(({ row }) => !blocked.has(textAt(row, 'aggregateid')))
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
  }
  const onTrouble = async (left: Batch, { reason }: PublishFailure): Promise<void> => {
    hadTrouble = true
    trouble = reason
    if (!hold) return
    const { sick, isKnown, isProven } = await tryPartitions(left, owner, lanes, means, deadlineShare)
    trouble = undefined
    for (const { partition, left: rest, failure } of sick)
      if (isKnown && hold(partition, failure.reason, isProven)) {
        for (const { row } of owner.stillWanted(rest)) held.push({ seq: textAt(row, 'seq'), partition })
        lane.forgetTrouble()
      } else trouble = failure.reason
  }
  await publishInOrder(
    [
      ...batchesOf(entries.slice(0, cut), lanes.batchSizeMax),
      ...batchesOf(entries.slice(cut), lanes.batchSizeMax),
    ],
    { ...owner, onTrouble },
    means,
    { deadlineShare },
  )
  return { drained, refused, topicFailure, trouble, hadTrouble, held }
}
