import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import type { Part } from '../../migrations/migration.ts'
import { BackstitchError } from '../kernel/errors.ts'
import { findConfigFile, importConfigFile } from './config/config-file.ts'
import { configSchema } from './config/config-schema.ts'
import { type Environment, mergeEnvironment, urlVariable } from './config/merge-environment.ts'
import { parseConfig } from './config/parse-config.ts'
import { readTls, type TlsOptions } from './config/read-tls.ts'

/** A database of the configuration. */
export type DatabaseConfig = {
  readonly name: string
  /** Holds the password: never to be logged. Absent until something gives it. */
  readonly url: string | undefined
  readonly schema: string
  readonly shards?: number | undefined
  readonly parts: readonly Part[] | undefined
  readonly ssl: TlsOptions | undefined
}

/** The whole configuration with its defaults: flags over environment over file. */
export type Config = Omit<z.output<typeof configSchema>, 'databases' | 'kafka'> & {
  /** The file that was read; `undefined` where the environment alone configures. */
  readonly file: string | undefined
  readonly databases: readonly DatabaseConfig[]
  readonly kafka: Omit<z.output<typeof configSchema>['kafka'], 'ssl'> & {
    readonly ssl: TlsOptions | undefined
  }
}

/** What the command line may set. */
export type ConfigFlags = {
  /** Path of the configuration’s file. */
  readonly config?: string
  readonly schema?: string
  readonly brokers?: readonly string[]
  readonly logLevel?: string
  /** Of `http`; as the words of the command line. */
  readonly metricsPort?: string
}

/**
 * Loads and validates the configuration of the processes: flags win over the environment, that over `backstitch.config.ts`, that over the
 * defaults. This is the only place that reads environment variables.
 *
 * @param options.folder where the file is looked for; default: the working folder
 * @param options.environment default: that of this process
 * @throws `CONFIG_INVALID` naming each wrong option, `CONFIG_NOT_FOUND` when the named file is not there
 */
export async function loadConfig(
  options: {
    readonly flags?: ConfigFlags
    readonly environment?: Environment
    readonly folder?: string
  } = {},
): Promise<Config> {
  const { flags = {}, environment = process.env, folder = process.cwd() } = options
  const file = findConfigFile(folder, flags.config)
  const fromFile = parseConfig(
    configSchema,
    file === undefined ? {} : await importConfigFile(file),
    file ?? 'defaults',
  )
  const merged = mergeFlags(mergeEnvironment(fromFile, environment), flags)
  const base = file === undefined ? folder : dirname(file)
  const databases = await Promise.all(
    merged.databases.map(async (database, n) => {
      const ssl = await readTls(database.ssl, `databases.${n}.ssl`, resolve(folder, base))
      assertOneTlsSource(database.url, ssl, n)
      return {
        name: database.name ?? nameOf(database.url) ?? 'default',
        url: database.url,
        schema: database.schema,
        parts: database.parts,
        ssl,
      }
    }),
  )
  assertNamesDiffer(databases)
  const kafkaSsl = await readTls(merged.kafka.ssl, 'kafka.ssl', resolve(folder, base))
  return { ...merged, file, databases, kafka: { ...merged.kafka, ssl: kafkaSsl } }
}

function mergeFlags(
  config: z.output<typeof configSchema>,
  { schema, brokers, logLevel, metricsPort }: ConfigFlags,
): z.output<typeof configSchema> {
  const flags = parseConfig(
    configSchema.pick({ kafka: true, log: true, http: true }),
    {
      ...(brokers && { kafka: { brokers } }),
      ...(logLevel !== undefined && { log: { level: logLevel } }),
      ...(metricsPort !== undefined && { http: { port: Number(metricsPort) } }),
    },
    'flags',
  )
  return {
    ...config,
    databases: config.databases.map((database) => ({ ...database, schema: schema ?? database.schema })),
    kafka: { ...config.kafka, brokers: flags.kafka.brokers ?? config.kafka.brokers },
    log: logLevel === undefined ? config.log : flags.log,
    http: flags.http === undefined ? config.http : { ...config.http, ...flags.http },
  }
}

/** The name of the database in its URL, which names it unless the configuration does. */
function nameOf(url: string | undefined): string | undefined {
  const name = url === undefined ? '' : decodeURIComponent(new URL(url).pathname.slice(1))
  return name === '' ? undefined : name
}

/** Nor may two names share a variable, `a-b` and `a_b`: one address would be that of both. */
function assertNamesDiffer(databases: readonly DatabaseConfig[]): void {
  const seen = new Map<string, string>()
  for (const [n, { name }] of databases.entries()) {
    const variable = urlVariable(name)
    const other = seen.get(variable)
    if (other !== undefined)
      throw new BackstitchError(
        'CONFIG_INVALID',
        other === name
          ? `databases.${n}.name: "${name}" names two databases; give each a name`
          : `databases.${n}.name: "${name}" and "${other}" share the variable ${variable}; choose another name`,
      )
    seen.set(variable, name)
  }
}

/** `pg` lets the URL win silently, and so loses the certificates of the option. */
function assertOneTlsSource(url: string | undefined, ssl: TlsOptions | undefined, n: number): void {
  if (url === undefined || ssl === undefined) return
  const inUrl = [...new URL(url).searchParams.keys()].filter((key) => key.startsWith('ssl'))
  if (inUrl.length > 0)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `databases.${n}: TLS is set by ssl (or DATABASE_SSL...) and by ${inUrl.join(', ')} in the URL; keep one`,
    )
}
