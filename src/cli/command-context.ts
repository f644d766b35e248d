import { type Command, Option } from 'commander'
import type { Pool } from 'pg'
import { type Duration, durationMs } from '../kernel/duration.ts'
import { explainConnectionError } from '../postgres/explain-connection-error.ts'
import { poolPlace } from '../postgres/pool-place.ts'
import { type Config, loadConfig } from '../runtime/config.ts'
import type { KnownDatabase } from '../runtime/from-config/choose-databases.ts'
import { createPoolFromConfig } from '../runtime/from-config/create-pool-from-config.ts'
import type { CliIo } from './cli-io.ts'
import { renderJson } from './output/render-json.ts'
import { waitForServer } from './wait-for-server.ts'

/** The options that every command has. */
type GlobalOptions = {
  readonly config?: string
  readonly schema?: string
  readonly brokers?: readonly string[]
  readonly logLevel?: string
  readonly output: 'text' | 'json'
  readonly json?: boolean
  readonly wait: string
  readonly verbose?: boolean
}

/** Adds {@link GlobalOptions} to the program. */
export function addGlobalOptions(program: Command): Command {
  return program
    .option('-c, --config <file>', 'the configuration (default: backstitch.config.ts in this folder)')
    .option('--schema <name>', 'the schema of the tables (BACKSTITCH_SCHEMA)')
    .option('--brokers <host:port,...>', 'the Kafka brokers (KAFKA_BROKERS)', listOf)
    .option('--log-level <level>', 'trace, debug, info, warn, error, fatal or silent (LOG_LEVEL)')
    .addOption(
      new Option('-o, --output <format>', 'how results are printed')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option('--json', 'the same as --output json')
    .option('--wait <duration>', 'how long to wait for a server that does not answer', '30s')
    .option('--verbose', 'print the stack and the causes of an error')
}

/** `a,b` as a list. */
export function listOf(text: string): readonly string[] {
  return text.split(',').map((item) => item.trim())
}

/** What the commands that do one thing and end share. */
export type CommandContext = {
  readonly io: CliIo
  readonly options: GlobalOptions
  readonly config: Config
  /** Prints a result: as JSON, or as the text that the function makes of it. */
  readonly print: <Result>(result: Result, asText: (result: Result) => string) => void
  /** Runs the work on a pool of the database once it answers, and ends the pool. */
  readonly withPool: <Result>(
    database: KnownDatabase,
    work: (pool: Pool) => Promise<Result>,
  ) => Promise<Result>
  /** Repeats what needs a server until it answers or `--wait` is over. */
  readonly waitFor: <Result>(server: string, place: string, attempt: () => Promise<Result>) => Promise<Result>
}

/**
 * Loads the configuration for a command.
 * @throws `CONFIG_INVALID`, `CONFIG_NOT_FOUND`
 */
export async function commandContext(io: CliIo, command: Command): Promise<CommandContext> {
  const options = command.optsWithGlobals<GlobalOptions>()
  const timeoutMs = durationMs(options.wait as Duration)
  const config = await loadConfig({
    flags: options,
    folder: io.folder,
    ...(io.environment && { environment: io.environment }),
  })
  const waitFor: CommandContext['waitFor'] = (server, place, attempt) =>
    waitForServer({
      attempt,
      timeoutMs,
      tell: (reason) => io.err(`waiting for ${server} at ${place}: ${reason}\n`),
    })
  return {
    io,
    options,
    config,
    print: (result, asText) =>
      io.out(options.output === 'json' || options.json === true ? renderJson(result) : asText(result)),
    waitFor,
    withPool: async (database, work) => {
      const pool = createPoolFromConfig(database, `backstitch ${command.name()}`)
      try {
        await waitFor('Postgres', poolPlace(pool), () => probePool(pool))
        return await work(pool)
      } finally {
        await pool.end()
      }
    },
  }
}

/** Asks a database for an answer. @throws `DATABASE_UNREACHABLE`, `DATABASE_REFUSED` */
async function probePool(pool: Pool): Promise<void> {
  await pool.query('select 1').catch(explainConnectionError(poolPlace(pool)))
}
