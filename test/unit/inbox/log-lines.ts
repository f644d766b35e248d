import type { Logger } from '../../../src/kernel/logger.ts'

/** A logger that keeps its lines. */
export function keptLines(): {
  readonly logger: Logger
  readonly lines: { level: string; message: string; fields: object }[]
} {
  const lines: { level: string; message: string; fields: object }[] = []
  const at =
    (level: string) =>
    (fields: object, message: string): void =>
      void lines.push({ level, message, fields })
  const logger: Logger = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => logger,
  }
  return { logger, lines }
}
