import type { TestSignals } from 'backstitch'
import type { Kill } from '../points.ts'

/**
 * Test signals that end this process with SIGKILL at a point: nothing after it runs, nothing is flushed, no socket says goodbye.
 * @param report told just before; it must have done its work when it returns
 */
export function killSignals(kill: Kill, report: (reached: Kill) => void): TestSignals {
  let hits = 0
  return {
    reach: (point) => {
      if (point !== kill.point || ++hits !== kill.hit) return
      report({ point, hit: hits })
      process.kill(process.pid, 'SIGKILL')
    },
  }
}
