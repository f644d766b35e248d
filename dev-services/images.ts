/**
 * The one place that says which servers, and with which settings, this project is developed against. The images and
 * settings of docker-compose.yml are the same; a test compares them.
 */

/** The image of Postgres. */
export const POSTGRES_IMAGE = 'postgres:18'

/** The image of Kafka; the local jars (dev-services/pom.xml) have the same version. */
export const KAFKA_VERSION = '4.3.1'
/** The image of Kafka. */
export const KAFKA_IMAGE = `apache/kafka:${KAFKA_VERSION}`

/**
 * Server parameters of Postgres. Logical decoding and prepared transactions are switched on for the tail source and
 * for two-phase commit; 200 connections for many test files at once; durable, since tests crash processes and benches
 * measure commits.
 */
export const POSTGRES_PARAMETERS: Readonly<Record<string, string>> = {
  wal_level: 'logical',
  max_prepared_transactions: '20',
  max_connections: '200',
  max_replication_slots: '20',
  max_wal_senders: '20',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  fsync: 'on',
}

/**
 * Broker properties of Kafka: one broker, so every replica count is 1; groups form at once and may have short sessions
 * (fast failure tests); topics are only ever created on purpose; few partitions in the internal topics, since the
 * first use of each waits for them all.
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
}
