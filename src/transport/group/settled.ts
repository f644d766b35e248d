import { type Logger, silentLogger } from '../../kernel/logger.ts'
import { reasonOf } from '../../kernel/errors.ts'
import type { BatchHandler } from '../subscriber.ts'
import type { BatchLanes } from './batch-lanes.ts'

/** Resolves when nothing is in hand any more, neither in a lane nor beside it. Asks the handler to settle. Never rejects. */
export async function settled(
  lanes: BatchLanes,
  handler: BatchHandler | undefined,
  logger: Logger = silentLogger,
): Promise<void> {
  const settling = (async () => handler?.settle?.())().catch((thrown: unknown) => {
    logger.error({ error: reasonOf(thrown) }, 'a handler threw when it was asked to settle what is in hand')
  })
  await Promise.all([lanes.idle(), settling])
}
