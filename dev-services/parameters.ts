import type { PostgresSettings } from './settings.ts'

/** The version of Kafka in dev-services/pom.xml and of its image. */
export const KAFKA_VERSION = '4.3.1'

/** The version of Debezium in dev-services/local/connect/pom.xml. */
export const DEBEZIUM_VERSION = '3.6.1.Final'

/** The images of docker-compose.yml; a test compares them. */
export const IMAGES = { postgres: 'postgres:18', kafka: `apache/kafka:${KAFKA_VERSION}` } as const

/** How a Postgres cluster is set up: sort order and encoding do not depend on the machine. */
export const INITDB_ARGUMENTS: readonly string[] = ['--encoding=UTF8', '--locale=C']

const POSTGRES_PARAMETERS: Readonly<Record<string, string>> = {
  // logical decoding and prepared transactions, for the tail source and two-phase commit
  wal_level: 'logical',
  max_replication_slots: '20',
  max_wal_senders: '20',
  max_prepared_transactions: '20',
  // many test files at once, each with pools of its own
  max_connections: '200',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  // durable: tests crash processes, benches measure commits
  fsync: 'on',
  timezone: 'UTC',
}

/**
 * Broker properties: one broker, so every count of replicas is 1; groups form at once and may have short sessions;
 * topics are only made on purpose; few partitions in the internal topics, since the first use of each waits for all of
 * them; a short session of the broker with the controller, since a broker that was killed may only join again once its
 * old session is over (9 s by default).
 */
export const KAFKA_PROPERTIES: Readonly<Record<string, string>> = {
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '5',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '5',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '5',
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  'auto.create.topics.enable': 'false',
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
}

/** The server's arguments: `-c name=value` for each of our parameters, the settings' and `fixed`, later ones winning. */
export function postgresArguments(settings: PostgresSettings, fixed: Record<string, string> = {}): string[] {
  const parameters = {
    ...POSTGRES_PARAMETERS,
    ...(settings.fsync === false ? { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' } : {}),
    ...settings.parameters,
    ...fixed,
  }
  return Object.entries(parameters).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}
