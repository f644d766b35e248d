import type { Logger } from '../../kernel/logger.ts'
import type { ProcessPart } from '../../kernel/lifecycle.ts'
import { watchLoop } from './loop-watchdog.ts'

/** A part whose process has its event loop watched from the part’s start to the end of its stop. */
export function watchedPart(part: ProcessPart, blockedMsMax: number, logger: Logger): ProcessPart {
  let unwatch: (() => void) | undefined
  return {
    ...part,
    start: async () => {
      unwatch ??= watchLoop(blockedMsMax, logger)
      try {
        await part.start()
      } catch (thrown) {
        unwatch()
        throw thrown
      }
    },
    stop: async () => {
      try {
        await part.stop()
      } finally {
        unwatch?.()
      }
    },
  }
}
