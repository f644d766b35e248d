import type { DatabaseFacts, OutboxFacts } from '../../../../src/postgres/doctor/database-facts.ts'
import type { TopicDescription } from '../../../../src/transport/admin.ts'

/** An outbox in which all is well. */
export const goodOutbox: OutboxFacts = {
  leaves: [
    {
      name: 'outbox_0',
      place: 'b.outbox_0',
      is_default: false,
      ends_before: '1000000',
      has_own_xid_check: true,
      hasRows: false,
    },
    {
      name: 'outbox_1',
      place: 'b.outbox_1',
      is_default: false,
      ends_before: '2000000',
      has_own_xid_check: true,
      hasRows: false,
    },
    {
      name: 'outbox_default',
      place: 'b.outbox_default',
      is_default: true,
      ends_before: null,
      has_own_xid_check: true,
      hasRows: false,
    },
  ],
  sequence: { cache: 1, cycles: false, last: '17' },
  interceptors: [],
  topics: [],
  pins: [],
  owners: [{ shard: 0, is_owned: true, owner: 'host/1', is_foreign: false, is_ahead: false }],
}

/** A database in which all is well, but for what is changed. */
export function facts(change: {
  readonly server?: Partial<DatabaseFacts['server']>
  readonly connection?: Partial<DatabaseFacts['connection']>
  readonly outbox?: Partial<OutboxFacts>
  readonly rest?: Partial<Omit<DatabaseFacts, 'server' | 'connection' | 'outbox'>>
}): DatabaseFacts {
  return {
    server: {
      version: 150_018,
      version_text: '15.18',
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      synchronous_standby_names: '',
      isolation: 'read committed',
      in_recovery: false,
      backend: 7,
      user: 'app',
      now_ms: 0,
      ...change.server,
    },
    connection: {
      announcedBackend: 7,
      backends: [7, 7, 7],
      namedStatement: { value: true },
      clockAheadMs: 12,
      roundTripMs: 2,
      ...change.connection,
    },
    roleSettings: [],
    schema: undefined,
    actualCatalog: [],
    expectedCatalog: { value: [] },
    missingRights: { value: [] },
    oldTransactions: [],
    outbox: { value: { ...goodOutbox, ...change.outbox } },
    groups: { value: [] },
    ...change.rest,
  }
}

/** A topic of three brokers in which all is well, but for what is changed. */
export function topic(
  change: Partial<Omit<TopicDescription, 'config'>> & { readonly config?: Record<string, string> } = {},
): TopicDescription {
  const { config, ...rest } = change
  return {
    partitions: 6,
    replicationFactor: 3,
    leaderless: [],
    ...rest,
    config: new Map(
      Object.entries({
        'min.insync.replicas': '2',
        'cleanup.policy': 'delete',
        'retention.ms': '604800000',
        'max.message.bytes': '1048588',
        'message.timestamp.type': 'CreateTime',
        'message.timestamp.before.max.ms': '9223372036854775807',
        'message.timestamp.after.max.ms': '3600000',
        'unclean.leader.election.enable': 'false',
        ...config,
      }),
    ),
  }
}
