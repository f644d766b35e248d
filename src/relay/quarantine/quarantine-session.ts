import type { ErrorCode } from '../../kernel/error-catalogue.ts'
import type { OutboxTuple } from '../source/outbox-tuple.ts'
import type { Page } from '../source/source-session.ts'

/** A row of the outbox that goes into the quarantine. */
export type ParkedRow = {
  readonly seq: string
  readonly topic: string
  readonly code: ErrorCode
  readonly reason: string
  /** Of a row that waits for its partition. */
  readonly partition?: number
}

/** A row of the quarantine that could not be published when it was tried again. All rows of its key wait behind it. */
export type RefusedRow = {
  readonly seq: string
  readonly topic: string
  readonly key: string
  readonly code: ErrorCode
  readonly reason: string
}

/** What changes in the quarantine together with a checkpoint. */
export type QuarantineChange = {
  /** Copied out of the outbox, bytes as they are. Doing it twice changes nothing. */
  readonly parked?: readonly ParkedRow[]
  /** By `seq`: published or skipped, so they leave. */
  readonly drained?: readonly string[]
  readonly refused?: readonly RefusedRow[]
  /** By `seq`: rows that waited for their topic or partition, and now wait behind a refused row of their key. */
  readonly waiting?: readonly string[]
  /** Rows that waited for their topic, which can be written to, but for their partition. */
  readonly held?: readonly { readonly seq: string; readonly partition: number }[]
  /**
   * A topic of which some thousand rows that wait for a partition, the last ones of each, wait for the topic from now on. The first ones stay
   * where they are, so whoever goes on after a crash publishes them first.
   */
  readonly moving?: string
  /** Topics that are written to with another number of partitions from now on. None of their rows waits for a partition. */
  readonly adopted?: readonly { readonly topic: string; readonly partitions: number }[]
}

/** A row of the quarantine as the owner reads it. */
export type QuarantinedRow = {
  readonly row: OutboxTuple
  readonly intent: 'retry' | 'skip' | undefined
}

/** What operators want of the rows of a key. */
export type IntendedKey = {
  readonly topic: string
  readonly key: string
  /** Its rows wait for the topic or the partition; else one of them was refused. */
  readonly waitsForTopic: boolean
  readonly retry: boolean
  /** By `seq`. */
  readonly skips: readonly string[]
  /** The first row of the key. */
  readonly head: string
  /** One of its rows was refused and is not to be skipped. */
  readonly isBlocked: boolean
}

/** A page of what operators want. Keys whose rows go beyond the page come again with the next one. */
export type IntentPage = {
  readonly keys: readonly IntendedKey[]
  readonly rows: number
  readonly lastSeq: string
}

/** A key with rows in the quarantine. Without a refused row nothing is in the way of the others any more. */
export type ParkedKey = { readonly topic: string; readonly key: string; readonly refused: boolean }

/** A partition with rows in the quarantine that wait until it can be written to. */
export type HeldPartition = { readonly topic: string; readonly partition: number }

/** The database’s side of the quarantine, for the owner of the outbox. */
export type QuarantineSession = {
  /** What is parked: keys with a refused row, and topics and partitions that cannot be written to. */
  readParked(): Promise<{
    readonly keys: readonly ParkedKey[]
    readonly topics: readonly string[]
    readonly partitions: readonly HeldPartition[]
  }>
  /**
   * What operators want of keys, out of the next `limit` rows behind `afterSeq` of which they want something. Rows that wait for their topic can
   * be skipped only.
   */
  readIntents(limit: number, afterSeq: string): Promise<IntentPage>
  /** Rows of a key after `afterSeq`, in order. */
  readKey(topic: string, key: string, afterSeq: string): Promise<Page<QuarantinedRow>>
  /** The first rows that wait for their topic, in order. */
  readTopic(topic: string): Promise<Page<QuarantinedRow>>
  /** Whether rows of a topic wait for a partition of it. */
  hasHeldRows(topic: string): Promise<boolean>
  /** The first rows that wait for a partition, in order. */
  readPartition(topic: string, partition: number): Promise<Page<QuarantinedRow>>
  /**
   * Rows of the outbox after `afterSeq` that operators settled: they skipped them, or had them published edited. Where rows are read again, after
   * the number of shards was changed, these are passed over. Their ids, as they were in the outbox, by `seq`.
   */
  readSettled(afterSeq: bigint): Promise<ReadonlyMap<string, string>>
  /** Counts the next rows behind `afterSeq`, up to `limit`, and names the last of them. */
  countRows(afterSeq: string, limit: number): Promise<{ readonly rows: number; readonly lastSeq: string }>
}
