/** Where a connector reads and writes. */
export type ConnectorTarget = {
  readonly url: string
  readonly slot: string
  readonly publication: string
  readonly topicPrefix: string
}

/** The payload goes out as the text that it is. */
const plainText = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'transforms.outbox.table.expand.json.payload': 'false',
}
const largeQueues = { 'max.batch.size': '8192', 'max.queue.size': '32768' }

/** What makes each purpose fastest, of all that was tried on two cores. */
const tuning = {
  drain: {
    ...plainText,
    ...largeQueues,
    'poll.interval.ms': '10',
    'producer.override.linger.ms': '5',
    'producer.override.batch.size': '262144',
    'producer.override.buffer.memory': '67108864',
  },
  latency: { ...plainText, ...largeQueues, 'poll.interval.ms': '5', 'producer.override.linger.ms': '0' },
} as const

/** A Debezium connector with the outbox router, tuned. It sends one header, the id: what it does least is measured, not what our relay sends. */
export function connectorSettings(
  purpose: keyof typeof tuning,
  { url, slot, publication, topicPrefix }: ConnectorTarget,
): Record<string, string> {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'tasks.max': '1',
    'plugin.name': 'pgoutput',
    'database.hostname': hostname,
    'database.port': port,
    'database.user': decodeURIComponent(username),
    'database.password': decodeURIComponent(password),
    'database.dbname': pathname.slice(1),
    'topic.prefix': 'bench',
    'table.include.list': 'backstitch.outbox',
    'slot.name': slot,
    'publication.name': publication,
    'publication.autocreate.mode': 'disabled',
    'snapshot.mode': 'no_data',
    'extended.headers.enabled': 'false',
    transforms: 'outbox',
    'transforms.outbox.type': 'io.debezium.transforms.outbox.EventRouter',
    'transforms.outbox.route.topic.replacement': `${topicPrefix}\${routedByValue}`,
    ...tuning[purpose],
  }
}
