import { type Act, checkedAct } from '../../audit/act.ts'
import type { AuditTrail } from '../../audit/audit-trail.ts'
import type { Database } from '../../kernel/database.ts'
import { BackstitchError, reasonOf } from '../../kernel/errors.ts'
import { isUuid } from '../../kernel/ids.ts'
import type { SqlExecutor } from '../../kernel/sql-executor.ts'
import type { SagaDefinition } from '../definition/saga-definition.ts'
import type { DeskInput } from '../machine/saga-input.ts'
import type { SagaState } from '../machine/saga-state.ts'
import { definitionRegistry } from '../transition/definition-registry.ts'
import { writeOutcome } from '../transition/write-outcome.ts'
import type { SagaInstance, SagaStore } from '../saga-store.ts'
import type { SagaMachine } from '../transition/machine-port.ts'
import { causeOfOperator } from '../transition/saga-cause.ts'
import { type CommandEncoding, inHand, sagaWriter } from '../transition/saga-writer.ts'
import type { SagaDetails, SagaListing, SagaOperatorStore, SagaSummary } from './saga-operator-store.ts'

/**
 * What an operator may see of sagas and do with them. Each call is one transaction; each act is kept in the saga’s history and, with the
 * saga’s state before and after, in the audit trail.
 */
export type SagaOperator = {
  /** Sagas, the newest first. `status`: only those; `limit`: 100 by default. */
  list(listing?: Partial<SagaListing>): Promise<readonly SagaSummary[]>
  /** A saga with its state, its history and its timers. @throws `SAGA_NOT_FOUND` */
  show(id: string): Promise<SagaDetails>
  /** The id of the saga of this name with this business key. @throws `SAGA_NOT_FOUND` */
  find(name: string, businessKey: string): Promise<string>
  /**
   * Sends what a parked saga waits for once more, with all attempts of its policy: in all branches, or of one step.
   * @throws `SAGA_NOT_FOUND`, `SAGA_STATE_REFUSES`, `SAGA_DEFINITION_UNKNOWN`, `ACTOR_MISSING`, `REASON_MISSING`
   */
  retry(id: string, act: Act, step?: string): Promise<SagaSummary>
  /**
   * Passes over what a parked saga waits for: the operator vouches for it. The step is named where several branches have stopped.
   * @throws as `retry`
   */
  skip(id: string, act: Act, step?: string): Promise<SagaSummary>
  /**
   * Settles what a parked saga waits for with a result, as if its answer had come.
   * @throws as `retry`, and `MESSAGE_INVALID` for a result that does not fit the contract
   */
  substitute(id: string, act: Act, result: unknown, step?: string): Promise<SagaSummary>
  /** Undoes what was done. Refused once the pivot was sent. @throws as `retry` */
  cancel(id: string, act: Act): Promise<SagaSummary>
  /** Undoes a parked saga; over an unanswered pivot the operator vouches that it has not happened. @throws as `retry` */
  compensate(id: string, act: Act): Promise<SagaSummary>
  /** Begins nothing more of a saga until it is resumed. @throws as `retry` */
  hold(id: string, act: Act): Promise<SagaSummary>
  /** Lets a saga that is held go on. @throws as `retry` */
  resume(id: string, act: Act): Promise<SagaSummary>
  /** Ends a parked saga by hand: what was open is settled elsewhere. @throws as `retry` */
  resolve(id: string, act: Act, as: 'completed' | 'compensated'): Promise<SagaSummary>
}

/** What is done, without who and why. */
type Verb = DeskInput extends infer Input
  ? Input extends DeskInput
    ? Omit<Input, 'reason' | 'actor'>
    : never
  : never

function named(step: string | undefined): { readonly step?: string } {
  return step === undefined ? {} : { step }
}

/** Makes the {@link SagaOperator} of a database. @throws `CONFIG_INVALID` */
export function sagaOperator(tools: {
  readonly database: Database
  readonly store: SagaStore
  readonly desk: SagaOperatorStore
  readonly audit: AuditTrail
  readonly sagas: readonly SagaDefinition[]
  readonly machine: SagaMachine
  readonly encoding: CommandEncoding
}): SagaOperator {
  const { database, store, desk, audit, machine, encoding } = tools
  const registry = definitionRegistry(tools.sagas)

  const act = async (id: string, by: Act, what: Verb): Promise<SagaSummary> => {
    assertId(id)
    const own = id.toLowerCase() // as the database writes it
    const { actor, reason } = checkedAct(by)
    return database.transaction(
      async (tx) => {
        const { instances } = await store.receive(tx, [], [own])
        const instance = instances.get(own)
        if (!instance) throw notFound(id)
        const definition = registry.fit(instance)
        if (!definition)
          throw new BackstitchError(
            'SAGA_DEFINITION_UNKNOWN',
            `${instance.name} v${instance.version}, saga ${id}`,
          )
        const saga = inHand(instance)
        const writer = sagaWriter(encoding)
        const input = { ...what, actor: actor.id, reason }
        writer.record(
          saga,
          machine.advance(definition, stateOf(instance.state, id), input),
          causeOfOperator(saga),
        )
        await writeOutcome(store, tx, writer)
        await audit.record(tx, {
          actor,
          verb: `saga ${what.kind}`,
          target: { kind: 'saga', id: own },
          reason,
          before: placeOf(instance),
          after: placeOf(saga),
        })
        return summaryOf(await desk.find(tx, id), id)
      },
      { isolation: 'read committed' },
    )
  }

  const showIn = async (tx: SqlExecutor, id: string): Promise<SagaDetails> => {
    const summary = summaryOf(await desk.find(tx, id), id)
    return { ...summary, ...(await desk.details(tx, id)) }
  }

  return {
    list: (listing = {}) => database.transaction((tx) => desk.list(tx, { limit: 100, ...listing })),
    show: async (id) => {
      assertId(id)
      return database.transaction((tx) => showIn(tx, id))
    },
    find: async (name, businessKey) => {
      const id = await database.transaction((tx) => desk.findByKey(tx, name, businessKey))
      if (id === undefined)
        throw new BackstitchError('SAGA_NOT_FOUND', `${name} with the business key ${businessKey}`)
      return id
    },
    retry: (id, by, step) => act(id, by, { kind: 'retry', ...named(step) }),
    skip: (id, by, step) => act(id, by, { kind: 'skip', ...named(step) }),
    substitute: (id, by, result, step) => act(id, by, { kind: 'substitute', result, ...named(step) }),
    cancel: (id, by) => act(id, by, { kind: 'cancel' }),
    compensate: (id, by) => act(id, by, { kind: 'compensate' }),
    hold: (id, by) => act(id, by, { kind: 'hold' }),
    resume: (id, by) => act(id, by, { kind: 'resume' }),
    resolve: (id, by, as) => act(id, by, { kind: 'resolve', as }),
  }
}

function stateOf(text: string, id: string): SagaState {
  try {
    return JSON.parse(text) as SagaState
  } catch (cause) {
    throw new BackstitchError(
      'SAGA_STATE_REFUSES',
      `saga ${id}: its state cannot be read: ${reasonOf(cause)}`,
      { cause },
    )
  }
}

/** Where a saga stands, for the audit trail: what it holds of people’s data stays in its own row. */
function placeOf({ status, revision }: Pick<SagaInstance, 'status' | 'revision'>): object {
  return { status, revision }
}

function summaryOf(summary: SagaSummary | undefined, id: string): SagaSummary {
  if (!summary) throw notFound(id)
  return summary
}

function notFound(id: string): BackstitchError {
  return new BackstitchError('SAGA_NOT_FOUND', `saga ${id}`)
}

function assertId(id: string): void {
  if (!isUuid(id)) throw notFound(id)
}
