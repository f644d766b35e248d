import type { SqlExecutor } from '../kernel/sql-executor.ts'
import type { ReceivedRecord } from '../transport/subscriber.ts'
import type { Delivery, RecordReading } from './record-reader.ts'

/** One try of a message. */
export type Try = {
  /** From 1, in this process. */
  readonly attempt: number
  readonly signal: AbortSignal
}

/** What a group does with its records: the part in which consumers and participants differ. */
export type GroupWork<Target> = {
  readonly group: string
  /** The first word of the test signals. */
  readonly kind: 'consumer' | 'participant'
  readonly isolation?: 'read committed'
  /** Whether messages wait behind the dead letters of their key. Default `key`. */
  readonly order?: 'key' | 'none'
  read(record: ReceivedRecord): RecordReading<Target>
  /** The text on which the deliveries of one matter are put in line, across partitions and members. */
  lockOn?(delivery: Delivery<Target>): string | undefined
  /** Applies a message that was claimed, in the transaction of the claim. */
  apply(tx: SqlExecutor, delivery: Delivery<Target>, attempt: Try): Promise<void>
}
