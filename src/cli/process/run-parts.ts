import type { Logger } from '../../kernel/logger.ts'
import type { ProcessPart } from '../../kernel/lifecycle.ts'
import type { CliIo } from '../cli-io.ts'
import type { ProbeServer } from '../../telemetry/probe-server.ts'
import { listenForShutdown } from './shutdown.ts'

/**
 * Runs the parts of a process until SIGTERM or SIGINT, then drains them; the second signal ends the process at once.
 *
 * @param close lets go of what the parts were given, once they have stopped
 * @param probes answers those who watch over the process, from before the parts start until after they have stopped
 * @throws what a part’s start threw, after the others were stopped
 */
export async function runParts(
  io: CliIo,
  logger: Logger,
  parts: readonly ProcessPart[],
  close: () => Promise<void>,
  probes?: ProbeServer,
): Promise<void> {
  const shutdown = listenForShutdown(io, (signal, which) =>
    logger.info({ signal }, which === 'drain' ? 'draining; a second signal ends at once' : 'ending at once'),
  )
  const names = parts.map(({ name }) => name)
  try {
    if (probes) logger.info({ port: await probes.start() }, 'probes and metrics can be read')
    logger.info({ parts: names }, 'starting')
    const started = Promise.all(parts.map((part) => part.start())).then(() => 'started' as const)
    const first = await Promise.race([started, shutdown.requested])
    if (first === 'started') {
      logger.info({ parts: names }, 'started')
      await shutdown.requested
    } else {
      // A start that is cut short may reject once the part is stopped.
      started.catch(() => undefined)
    }
  } finally {
    probes?.drain()
    await Promise.all(parts.map((part) => part.stop()))
    await close()
    await probes?.stop()
    shutdown.dispose()
    logger.info({ parts: names }, 'stopped')
  }
}
