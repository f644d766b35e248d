import { z } from 'zod'
import { allParts } from '../../../migrations/all-migrations.ts'
import type { CommandContract } from '../../message/command.ts'
import type { EventContract } from '../../message/event.ts'
import { defaultTopicPrefix } from '../../message/topic.ts'
import { defaultSchema } from '../../postgres/schema-name.ts'
import type { SagaDefinition } from '../../saga/definition/saga-definition.ts'

/** A certificate or key: the PEM text itself, or the path of its file (relative to the configuration’s file). */
const pem = z.string().min(1)

/** `true`: encrypted, the server’s certificate checked by the machine’s authorities. */
const tls = z.union([
  z.boolean(),
  z.strictObject({
    /** The authorities that may have signed the server’s certificate. */
    ca: pem.optional(),
    /** The client’s own certificate and key. */
    cert: pem.optional(),
    key: pem.optional(),
    /** The name to expect in the server’s certificate, where it is not the host’s. */
    servername: z.string().min(1).optional(),
    /** `false` takes any certificate, and with it any server: for tests alone. */
    rejectUnauthorized: z.boolean().optional(),
  }),
])

/** TLS in the form that both servers’ clients take, its files read. */
export type TlsConfig = z.output<typeof tls>

/** Whether `pg` can read it: all its parts must decode, too. */
function isPostgresUrl(text: string): boolean {
  const url = /^postgres(ql)?:\/\//.test(text) ? URL.parse(text) : null
  if (url === null) return false
  try {
    for (const part of [url.username, url.password, url.hostname, url.pathname]) decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

/** The address of a database. */
export const postgresUrl = z
  .string()
  .refine(
    isPostgresUrl,
    'it is no URL such as postgres://user:password@host:5432/database (percent-encode what is special in the password)',
  )

const database = z.strictObject({
  /** For messages, for `--database`, and for the variable `DATABASE_URL_<NAME>`. Default: the name of the database in the URL. */
  name: z
    .string()
    .regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/, 'letters, digits, dashes and underscores')
    .optional(),
  /** Better given by the environment: it holds a password. */
  url: postgresUrl.optional(),
  schema: z.string().min(1).default(defaultSchema),
  /** What `backstitch migrate` makes here. Default: outbox, inbox and participant; for the orchestrator’s database saga and timer too. */
  parts: z.array(z.enum(allParts)).min(1).optional(),
  ssl: tls.optional(),
  /** The number of shards that its outbox must have: a check, `backstitch outbox shards` changes it. Default: as many as it has. */
  shards: z.int().min(1).max(256).optional(),
})

const brokers = z
  .array(z.string().regex(/^[^\s/:,]+:\d{1,5}$|^\[[^\]]+\]:\d{1,5}$/, 'host:port'))
  .min(1, 'name at least one broker as host:port')

const sasl = z.strictObject({
  mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
  username: z.string().min(1),
  password: z.string().min(1),
})

/** The Kafka client behind all processes. Each is an optional peer: the one that is chosen must be installed. */
const driver = z.enum(['kafkajs', 'platformatic'])

const compression = z.enum(['gzip', 'snappy', 'lz4', 'zstd'])

const kafka = z.strictObject({
  driver: driver.default('kafkajs'),
  /** Of what is published. Default: none. */
  compression: compression.optional(),
  brokers: brokers.optional(),
  ssl: tls.optional(),
  sasl: sasl.optional(),
})

const milliseconds = (least: number, most: number): z.ZodNumber => z.int().min(least).max(most)

/** The defaults of what is optional here are those of `createRelay`. */
const relay = z.strictObject({
  leaseDurationMs: milliseconds(300, 600_000).optional(),
  publishers: z.int().min(1).max(100).optional(),
  pageRows: z.int().min(1).max(10_000).optional(),
  pageBytes: z.int().min(1_000).max(1_000_000_000).optional(),
  quarantineRowsMax: z.int().min(1_000).max(1_000_000_000).optional(),
  pace: z
    .strictObject({ busyMs: milliseconds(0, 60_000).optional(), idleMs: milliseconds(1, 60_000).optional() })
    .optional(),
  retention: z.strictObject({ keepPublishedMs: milliseconds(0, 31_622_400_000).optional() }).optional(),
  stopDeadlineMs: milliseconds(1, 600_000).optional(),
})

/** The defaults of what is optional here are those of `createOrchestrator`. */
const orchestrator = z.strictObject({
  /** The name of its database. Default: the only one that lists the part `saga`, else the only one that lists no parts. */
  database: z.string().optional(),
  sagas: z.array(z.custom<SagaDefinition>(isSaga, 'it is no saga(...).build()')).min(1),
  batchSizeMax: z.int().min(1).max(5_000).optional(),
  partitionsConcurrentMax: z.int().min(1).max(1_000).optional(),
  sessionTimeoutMs: milliseconds(1_000, 600_000).optional(),
  timerPauseMaxMs: milliseconds(10, 60_000).optional(),
  setAsideIntervalMs: milliseconds(100, 3_600_000).optional(),
  inboxRetentionMs: milliseconds(3_600_000, 31_622_400_000).optional(),
  transactionMsMax: milliseconds(100, 3_600_000).optional(),
  stopDeadlineMs: milliseconds(1, 600_000).optional(),
})

const contract = z.custom<EventContract | CommandContract>(isContract, 'it is no event(...) or command(...)')

const topics = z.strictObject({
  /** Of topics that `backstitch topics apply` creates. The order of messages holds within a key, so raise it before a topic has data. */
  partitions: z.int().min(1).max(10_000).default(6),
  /** Default: the broker’s own. */
  replicationFactor: z.int().min(1).max(100).optional(),
})

const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])

/** What a configuration file may hold. Every part is optional: a command says what it misses. */
export const configSchema = z.strictObject({
  databases: z.array(database).default([]),
  kafka: kafka.prefault({}),
  topicPrefix: z
    .string()
    .regex(/^[a-zA-Z0-9._-]{0,200}$/, 'letters, digits, dots, dashes and underscores')
    .default(defaultTopicPrefix),
  relay: relay.prefault({}),
  orchestrator: orchestrator.optional(),
  /** The contracts whose topics `backstitch topics` minds, beside those of the sagas. */
  contracts: z.array(contract).default([]),
  topics: topics.prefault({}),
  /** Metrics, health and readiness of the processes `relay` and `orchestrator`, over HTTP. Default: none. */
  http: z
    .strictObject({
      port: z.int().min(0).max(65_535),
      /** Default: all addresses of the machine. */
      host: z.string().min(1).optional(),
    })
    .optional(),
  log: z.strictObject({ level: logLevel.default('info') }).prefault({}),
})

/** The variables that a configuration reads. An empty one counts as absent. */
export const environmentSchema = z.object({
  DATABASE_URL: postgresUrl.optional(),
  BACKSTITCH_SCHEMA: z.string().optional(),
  KAFKA_BROKERS: z
    .string()
    .transform((text) => text.split(',').map((broker) => broker.trim()))
    .pipe(brokers)
    .optional(),
  KAFKA_DRIVER: driver.optional(),
  KAFKA_COMPRESSION: compression.optional(),
  LOG_LEVEL: logLevel.optional(),
  DATABASE_SSL: z.stringbool().optional(),
  DATABASE_SSL_CA: pem.optional(),
  DATABASE_SSL_CERT: pem.optional(),
  DATABASE_SSL_KEY: pem.optional(),
  KAFKA_SSL: z.stringbool().optional(),
  KAFKA_SSL_CA: pem.optional(),
  KAFKA_SSL_CERT: pem.optional(),
  KAFKA_SSL_KEY: pem.optional(),
  KAFKA_SASL_MECHANISM: sasl.shape.mechanism.optional(),
  KAFKA_SASL_USERNAME: sasl.shape.username.optional(),
  KAFKA_SASL_PASSWORD: sasl.shape.password.optional(),
})

function isSaga(value: unknown): boolean {
  const candidate = value as Partial<SagaDefinition> | null
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    typeof candidate.name === 'string' &&
    typeof candidate.orchestrator === 'string' &&
    Array.isArray(candidate.steps) &&
    typeof candidate.graph === 'object'
  )
}

function isContract(value: unknown): boolean {
  const candidate = value as { kind?: unknown; aggregateType?: unknown } | null
  return (
    typeof candidate === 'object' &&
    candidate !== null &&
    (candidate.kind === 'event' || candidate.kind === 'command') &&
    typeof candidate.aggregateType === 'string'
  )
}
