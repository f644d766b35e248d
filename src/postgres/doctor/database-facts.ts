import type { InterceptorRow } from '../queries/doctor/list-interceptors.ts'
import type { OwnerRow } from '../queries/doctor/list-owners.ts'
import type { MissingRightRow } from '../queries/doctor/list-missing-rights.ts'
import type { OldTransactionRow } from '../queries/doctor/list-old-transactions.ts'
import type { OutboxLeafRow } from '../queries/doctor/list-outbox-leaves.ts'
import type { OutboxSequenceRow } from '../queries/doctor/read-outbox-sequence.ts'
import type { OutboxTopicRow } from '../queries/doctor/list-outbox-topics.ts'
import type { RoleSettingRow } from '../queries/doctor/list-role-settings.ts'
import type { TopicPinRow } from '../queries/topics/list-topic-pins.ts'
import type { GroupRow } from '../queries/group/list-groups.ts'
import type { ServerRow } from '../queries/doctor/read-server.ts'
import type { CatalogEntry } from './catalog.ts'

/** Something that was read, or why it could not be. */
export type Fact<Value> = { readonly value: Value } | { readonly unknown: string }

/** What is between a client and its server. */
export type ConnectionFacts = {
  /** The server process that the connection was told at its start. */
  readonly announcedBackend: number | undefined
  /** Those that answered, in turn. */
  readonly backends: readonly number[]
  /** Why a named statement could not be used again. */
  readonly namedStatement: Fact<true>
  /** How much the database’s clock is ahead of this machine’s, and how long the question took. */
  readonly clockAheadMs: number
  readonly roundTripMs: number
}

/** What is found of the outbox itself. */
export type OutboxFacts = {
  readonly leaves: readonly (OutboxLeafRow & { readonly hasRows: boolean })[]
  readonly sequence: OutboxSequenceRow | undefined
  readonly interceptors: readonly InterceptorRow[]
  readonly topics: readonly OutboxTopicRow[]
  /** Partitions that topics are written to with, by topic. */
  readonly pins: readonly TopicPinRow[]
  /** By shard. */
  readonly owners: readonly OwnerRow[]
}

/** What a check of the schema says: nothing where it is as it must be. */
export type SchemaFact = { readonly code: string; readonly message: string } | undefined

/** All that is read of one database; the checks judge it. */
export type DatabaseFacts = {
  readonly server: ServerRow
  readonly connection: ConnectionFacts
  readonly roleSettings: readonly RoleSettingRow[]
  readonly schema: SchemaFact
  readonly actualCatalog: readonly CatalogEntry[]
  readonly expectedCatalog: Fact<readonly CatalogEntry[]>
  readonly missingRights: Fact<readonly MissingRightRow[]>
  readonly oldTransactions: readonly OldTransactionRow[]
  /** Where there is an outbox. */
  readonly outbox: Fact<OutboxFacts> | undefined
  /** The groups that use the inbox, where there is one. */
  readonly groups: Fact<readonly GroupRow[]> | undefined
}
