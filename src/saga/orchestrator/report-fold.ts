import type { Logger } from '../../kernel/logger.ts'
import type { FoldOutcome } from './fold-messages.ts'
import type { ParkedSaga } from '../transition/move-saga.ts'

/** Says what a person should look at, once it is committed. */
export function reportFold(logger: Logger, { deadLetters, setAside, parked }: FoldOutcome): void {
  for (const { topic, partition, offset, messageId, type, reasonCode: code, reason } of deadLetters) {
    const fields = { topic, partition, offset: String(offset), messageId, type, code, reason }
    logger.error(fields, 'put a message among the dead letters')
  }
  reportParked(logger, parked)
  const definitions = new Set(setAside.map(({ name, version }) => `${name} v${version}`))
  if (definitions.size > 0)
    logger.warn(
      { messages: setAside.length, definitions: [...definitions] },
      'set messages aside for an orchestrator that has their definitions',
    )
}

/** One line for each saga that a failure of this process has parked. */
export function reportParked(logger: Logger, parked: readonly ParkedSaga[]): void {
  for (const { sagaId, reason } of parked) logger.error({ sagaId, reason }, 'parked a saga')
}
