import { inspect } from 'node:util'
import { silentLogger } from '../../../../../src/kernel/logger.ts'
import { watchLoop } from '../../../../../src/runtime/watchdog/loop-watchdog.ts'

/** `watched.ts <limits in ms, by comma> <ms to block> <what else>`: blocks its loop, then says so and ends by itself. */
const [, , limits = '', blockMs = '0', act] = process.argv

function computeForTooLong(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end) inspect(end)
}

const stops = limits.split(',').map((limit) => watchLoop(Number(limit), silentLogger))
if (act === 'stopped') for (const stop of stops) stop()
setTimeout(() => {
  process.stdout.write('blocks\n')
  computeForTooLong(Number(blockMs))
  setTimeout(() => process.stdout.write('ends\n'), 300)
}, 500)
