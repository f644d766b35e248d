import { pino } from 'pino'
import type { Logger } from '../../kernel/logger.ts'

/**
 * The log of a process: one JSON object a line, written at once, so that nothing is missing after a crash.
 * @param write where the lines go
 */
export function createLogger(level: string, write: (line: string) => void): Logger {
  const error = pino.stdSerializers.err
  return pino(
    {
      level,
      base: { pid: process.pid },
      serializers: { error, cause: error },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    { write },
  )
}
