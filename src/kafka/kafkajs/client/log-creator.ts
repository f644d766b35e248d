import { logLevel, type LogEntry } from 'kafkajs'
import type { Logger } from '../../../kernel/logger.ts'

/**
 * Parts of kafkajs whose complaints are about one of several tries, or about an answer that is an error. They reach whoever asked, by a
 * rejection, and it is for him to say whether something is wrong: an outage would else give a dozen lines a second.
 */
const toldByRejection: ReadonlySet<string> = new Set([
  'Connection',
  'BrokerPool',
  'Cluster',
  'Producer',
  'Admin',
])

/**
 * Turns kafkajs’s lines into lines of the {@link Logger} port: errors and warnings of consumers become warnings (the driver mends them by
 * itself), all else becomes debug lines.
 */
export function logTo(logger: Logger, isMuted: () => boolean): (entry: LogEntry) => void {
  return ({ namespace, level, log }) => {
    if (isMuted()) return
    const { message, timestamp: _timestamp, logger: _logger, stack, ...fields } = log
    const line = { kafkajs: namespace, ...fields }
    if (level > logLevel.WARN || toldByRejection.has(namespace)) logger.debug({ ...line, stack }, message)
    else logger.warn(line, message)
  }
}
