import type { CallerTransaction } from '../../kernel/caller-transaction.ts'
import type { SagaWrites } from '../saga-store.ts'

/** Starts sagas through the caller’s transaction. */
export type SagaStartStore = {
  /** Whether this database has the tables of sagas. @throws `TRANSACTION_UNSUPPORTED` */
  isHere(tx: CallerTransaction): Promise<boolean>
  /** Writes sagas that begin; takes their business keys in the order of the keys. @returns the ids of those whose key was free */
  start(tx: CallerTransaction, writes: SagaWrites): Promise<ReadonlySet<string>>
  /** The ids of the sagas that have these business keys, by key. */
  findByKeys(
    tx: CallerTransaction,
    name: string,
    keys: readonly string[],
  ): Promise<ReadonlyMap<string, string>>
}
