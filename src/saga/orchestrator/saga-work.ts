import type { Clock } from '../../kernel/clock.ts'
import type { Logger } from '../../kernel/logger.ts'
import type { TestSignals } from '../../kernel/test-signals.ts'
import type { GroupInstruments } from '../../inbox/group-metrics.ts'
import type { RecordTransactions } from '../../inbox/record-transaction.ts'
import type { SagaStore } from '../saga-store.ts'
import type { SagaMachine } from '../transition/machine-port.ts'
import type { CommandEncoding, SagaWriter } from '../transition/saga-writer.ts'
import type { DefinitionRegistry } from '../transition/definition-registry.ts'

/** What the parts of an orchestrator share. */
export type SagaWork = {
  /** The name of the orchestrator, which is its consumer group. */
  readonly group: string
  readonly store: SagaStore
  readonly transactions: RecordTransactions
  readonly registry: DefinitionRegistry
  readonly machine: SagaMachine
  readonly encoding: CommandEncoding
  readonly logger: Logger
  readonly signals: TestSignals
  readonly clock: Clock
  /** Default: nothing is measured. */
  readonly instruments?: GroupInstruments
  /** Told after the commit of what a writer had collected. */
  committed(writer: SagaWriter): void
}
