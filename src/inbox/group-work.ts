import type { SqlExecutor } from '../kernel/sql-executor.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'
import type { Delivery, RecordReading } from './record-reader.ts'

/** One try of a message. */
export type Try = {
  /** From 1, in this process. */
  readonly attempt: number
  readonly signal: AbortSignal
}

/**
 * What becomes of the later messages of a key while one of it has to be tried again.
 * - `key`: they wait, and the order of the key holds
 * - `none`: they pass; the message is tried again beside them
 */
export type RetryOrder = 'key' | 'none'

/** What a group does with its records: the part in which consumers and participants differ. */
export type GroupWork<Target> = {
  readonly group: string
  /** The first word of the test signals. */
  readonly kind: 'consumer' | 'participant'
  readonly isolation?: 'read committed'
  /** Whether messages wait behind the dead letters of their key. Default `key`. */
  readonly order?: RetryOrder
  /** Pure: it may be called long before the message is handled. */
  read(record: ReceivedRecord): RecordReading<Target>
  /** How many deliveries of a target one transaction takes at most. Default 1. */
  batchSizeMax?(target: Target): number
  /** Whether later messages wait for one of this target that is tried again; `none` holds for dead letters too. Default: that of the group. */
  retryOrder?(target: Target): RetryOrder | undefined
  /** The text on which the deliveries of one matter are put in line, across partitions and members. Only for deliveries one at a time. */
  lockOn?(delivery: Delivery<Target>): string | undefined
  /**
   * Applies messages that were claimed, in the transaction of the claims: all of one target, those of a key in order. Where several fail
   * together, each is applied once more by itself.
   */
  apply(tx: SqlExecutor, deliveries: readonly Delivery<Target>[], attempt: Try): Promise<void>
}
