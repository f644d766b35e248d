import type { Command } from 'commander'
import { createOrchestratorsFromConfig } from '../../runtime/from-config/create-orchestrators-from-config.ts'
import type { CliIo } from '../cli-io.ts'
import { commandContext } from '../command-context.ts'
import { createLogger } from '../process/create-logger.ts'
import { runParts } from '../process/run-parts.ts'

/** `backstitch orchestrator`: drives the sagas of the configuration until SIGTERM. */
export function addOrchestratorCommand(program: Command, io: CliIo): void {
  program
    .command('orchestrator')
    .description('drive the sagas of the configuration until SIGTERM; any number may run')
    .option('--metrics-port <port>', 'serve /metrics, /healthz and /readyz over HTTP')
    .addHelpText(
      'after',
      `
It waits for servers that do not answer, and says so. SIGTERM or SIGINT drains, a second one ends it at once.

Example:
  backstitch orchestrator --config ./deploy/backstitch.config.ts`,
    )
    .action(async (_: object, command: Command) => {
      const { config } = await commandContext(io, command)
      const logger = createLogger(config.log.level, (line) => io.out(line))
      const { parts, probes, close } = await createOrchestratorsFromConfig(config, logger)
      await runParts(io, logger, parts, close, probes)
    })
}
