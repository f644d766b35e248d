import type pg from 'pg'
import { type Codec, jsonCodec } from '../message/codec.ts'
import { type BodyLimits, defaultBodyLimits } from '../message/limits.ts'
import { pgAuditTrail } from '../postgres/audit/pg-audit-trail.ts'
import { pgDatabase } from '../postgres/pg-database.ts'
import { pgSagaOperatorStore } from '../postgres/saga/pg-saga-operator-store.ts'
import { pgSagaStore } from '../postgres/saga/pg-saga-store.ts'
import { defaultSchema } from '../postgres/schema-name.ts'
import type { SagaDefinition } from '../saga/definition/saga-definition.ts'
import { advance, startSaga } from '../saga/machine/saga-machine.ts'
import { type SagaOperator, sagaOperator } from '../saga/operator/saga-operator.ts'

/** What {@link createSagaOperator} takes. */
export type SagaOperatorOptions = {
  /** The database of the sagas. */
  readonly database: pg.Pool
  /** Needed to move sagas, not to look at them. */
  readonly sagas: readonly SagaDefinition[]
  /** Where the tables are. Default `backstitch`. */
  readonly schema?: string
  readonly codec?: Codec
  readonly limits?: BodyLimits
}

/**
 * Makes what an operator looks at sagas with, and moves parked ones on.
 *
 * @throws `CONFIG_INVALID`
 * @example
 * const operator = createSagaOperator({ database, sagas: [placeOrder] })
 * for (const { id } of await operator.list({ status: 'parked' }))
 *   await operator.retry(id, { actor: 'ann', reason: 'the card service is up again' })
 */
export function createSagaOperator(options: SagaOperatorOptions): SagaOperator {
  const { database, sagas, schema = defaultSchema, codec = jsonCodec, limits = defaultBodyLimits } = options
  return sagaOperator({
    database: pgDatabase(database),
    // An operator neither claims messages nor fires timers, so it is nobody’s orchestrator.
    store: pgSagaStore(schema, ''),
    desk: pgSagaOperatorStore(schema),
    audit: pgAuditTrail(schema),
    sagas,
    machine: { startSaga, advance },
    encoding: { codec, limits },
  })
}
