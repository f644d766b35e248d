import type { z } from 'zod'
import { BackstitchError } from '../../kernel/errors.ts'
import { type configSchema, environmentSchema, postgresUrl, type TlsConfig } from './config-schema.ts'
import { parseConfig } from './parse-config.ts'

/** Names and values of environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>

type FileConfig = z.output<typeof configSchema>

/**
 * Puts the environment over the file’s values. `DATABASE_URL` is the address of the only database (which the file need not name); of
 * several, each has a variable of its own, `DATABASE_URL_<NAME>`.
 *
 * @throws `CONFIG_INVALID` naming the variable
 */
export function mergeEnvironment(config: FileConfig, environment: Environment): FileConfig {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const read = parseConfig(environmentSchema, present, 'environment')
  const databaseFiles = filesOf(read.DATABASE_SSL_CA, read.DATABASE_SSL_CERT, read.DATABASE_SSL_KEY)
  const kafkaFiles = filesOf(read.KAFKA_SSL_CA, read.KAFKA_SSL_CERT, read.KAFKA_SSL_KEY)
  const listed: FileConfig['databases'] =
    config.databases.length === 0 && read.DATABASE_URL !== undefined
      ? [{ schema: 'backstitch' }]
      : config.databases
  return {
    ...config,
    databases: listed.map((database) => ({
      ...database,
      url:
        ownUrl(database.name, present) ??
        (listed.length === 1 ? read.DATABASE_URL : undefined) ??
        database.url,
      schema: read.BACKSTITCH_SCHEMA ?? database.schema,
      ssl: tlsOf(database.ssl, read.DATABASE_SSL, databaseFiles),
    })),
    kafka: {
      driver: read.KAFKA_DRIVER ?? config.kafka.driver,
      compression: read.KAFKA_COMPRESSION ?? config.kafka.compression,
      brokers: read.KAFKA_BROKERS ?? config.kafka.brokers,
      ssl: tlsOf(config.kafka.ssl, read.KAFKA_SSL, kafkaFiles),
      sasl: saslOf(config.kafka.sasl, read),
    },
    log: { level: read.LOG_LEVEL ?? config.log.level },
  }
}

/** The variable that holds the address of one of several databases. */
export function urlVariable(name: string): string {
  return `DATABASE_URL_${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
}

function ownUrl(name: string | undefined, present: Environment): string | undefined {
  if (name === undefined) return undefined
  const variable = urlVariable(name)
  const value = present[variable]
  return value === undefined ? undefined : parseConfig(postgresUrl, value, `environment: ${variable}`)
}

type TlsFiles = { readonly ca?: string; readonly cert?: string; readonly key?: string }

function filesOf(ca: string | undefined, cert: string | undefined, key: string | undefined): TlsFiles {
  return {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
}

/** Files of certificates imply TLS; `..._SSL=false` wins over them. What no variable names stays as the configuration’s file has it. */
function tlsOf(
  own: TlsConfig | undefined,
  enabled: boolean | undefined,
  files: TlsFiles,
): TlsConfig | undefined {
  if (enabled === false) return false
  if (enabled === undefined && Object.keys(files).length === 0) return own
  const merged = { ...(typeof own === 'object' && own), ...files }
  return Object.keys(merged).length > 0 ? merged : true
}

/** What no variable names stays as the configuration’s file has it. */
function saslOf(
  own: FileConfig['kafka']['sasl'],
  read: z.output<typeof environmentSchema>,
): FileConfig['kafka']['sasl'] {
  const {
    KAFKA_SASL_MECHANISM: mechanism = own?.mechanism ?? 'scram-sha-512',
    KAFKA_SASL_USERNAME: username = own?.username,
    KAFKA_SASL_PASSWORD: password = own?.password,
  } = read
  const isGiven = [read.KAFKA_SASL_MECHANISM, username, password].some((value) => value !== undefined)
  if (!isGiven) return undefined
  if (username === undefined || password === undefined)
    throw new BackstitchError(
      'CONFIG_INVALID',
      'environment: KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are given together',
    )
  return { mechanism, username, password }
}
