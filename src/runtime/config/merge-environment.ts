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
  const databaseSsl = tlsOf(
    read.DATABASE_SSL,
    read.DATABASE_SSL_CA,
    read.DATABASE_SSL_CERT,
    read.DATABASE_SSL_KEY,
  )
  const kafkaSsl = tlsOf(read.KAFKA_SSL, read.KAFKA_SSL_CA, read.KAFKA_SSL_CERT, read.KAFKA_SSL_KEY)
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
      ssl: databaseSsl ?? database.ssl,
    })),
    kafka: {
      brokers: read.KAFKA_BROKERS ?? config.kafka.brokers,
      ssl: kafkaSsl ?? config.kafka.ssl,
      sasl: saslOf(read) ?? config.kafka.sasl,
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

/** Files of certificates imply TLS; `..._SSL=false` wins over them. */
function tlsOf(
  enabled: boolean | undefined,
  ca: string | undefined,
  cert: string | undefined,
  key: string | undefined,
): TlsConfig | undefined {
  if (enabled === false) return false
  const files = {
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  }
  return Object.keys(files).length > 0 ? files : enabled
}

function saslOf(read: z.output<typeof environmentSchema>): FileConfig['kafka']['sasl'] {
  const {
    KAFKA_SASL_MECHANISM: mechanism,
    KAFKA_SASL_USERNAME: username,
    KAFKA_SASL_PASSWORD: password,
  } = read
  if (mechanism === undefined && username === undefined && password === undefined) return undefined
  if (username === undefined || password === undefined)
    throw new BackstitchError(
      'CONFIG_INVALID',
      'environment: KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD are given together',
    )
  return { mechanism: mechanism ?? 'scram-sha-512', username, password }
}
