import type { Command } from 'commander'
import { createRelayFromConfig } from '../../runtime/from-config/create-relay-from-config.ts'
import type { CliIo } from '../cli-io.ts'
import { commandContext, listOf } from '../command-context.ts'
import { createLogger } from '../process/create-logger.ts'
import { runParts } from '../process/run-parts.ts'

/** `backstitch relay`: publishes the outboxes of the configuration until SIGTERM. */
export function addRelayCommand(program: Command, io: CliIo): void {
  program
    .command('relay')
    .description(
      'publish the outboxes of the configuration until SIGTERM; of several relays one works, the others stand by',
    )
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .option('--metrics-port <port>', 'serve /metrics, /healthz and /readyz over HTTP')
    .addHelpText(
      'after',
      `
It waits for servers that do not answer, and says so. SIGTERM or SIGINT drains, a second one ends it at once.

Examples:
  DATABASE_URL=postgres://... KAFKA_BROKERS=kafka:9092 backstitch relay
  backstitch relay --database orders,stock`,
    )
    .action(async (options: { database?: readonly string[] }, command: Command) => {
      const { config } = await commandContext(io, command)
      const logger = createLogger(config.log.level, (line) => io.out(line))
      const { parts, probes, close } = await createRelayFromConfig(config, logger, options.database)
      await runParts(io, logger, parts, close, probes)
    })
}
