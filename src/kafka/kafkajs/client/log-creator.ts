import { logLevel, type LogEntry } from 'kafkajs'
import type { Logger } from '../../../kernel/logger.ts'

/** Said of every idempotent producer whose retries are finite. Ours are, on purpose: whatever fails is published anew. */
const expected = 'Limiting retries for the idempotent producer may invalidate EoS guarantees'

/** An answer that is an error: it reaches whoever asked, who may well expect it (a topic that is not there yet). */
const answer = /^Response /

/**
 * Turns kafkajs’s lines into lines of the {@link Logger} port. What kafkajs calls an error is one of its tries that failed; whether
 * something is wrong is for its caller to say, so errors become warnings and the chatter about joining and pausing becomes debug lines.
 */
export function logTo(logger: Logger, isMuted: () => boolean): (entry: LogEntry) => void {
  return ({ namespace, level, log }) => {
    if (isMuted()) return
    const { message, timestamp: _timestamp, logger: _logger, ...fields } = log
    const line = { kafkajs: namespace, ...fields }
    if (level > logLevel.WARN || message === expected || answer.test(message)) logger.debug(line, message)
    else logger.warn(line, message)
  }
}
