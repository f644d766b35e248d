import { expect, test } from 'vitest'
import type { Health } from '../../../src/kernel/lifecycle.ts'
import { liveness, readiness } from '../../../src/telemetry/probe-machine.ts'

const expected: Record<Health['state'], { alive: boolean; ready: boolean }> = {
  starting: { alive: true, ready: false },
  running: { alive: true, ready: true },
  standby: { alive: true, ready: true },
  failing: { alive: true, ready: false },
  stalled: { alive: false, ready: false },
  stopped: { alive: true, ready: false },
}

test.each(Object.entries(expected))('a part that is %s', (state, { alive, ready }) => {
  const parts = [
    { name: 'relay', state: state as Health['state'] },
    { name: 'other', state: 'running' as const },
  ]
  expect(liveness(parts).ok).toBe(alive)
  expect(readiness(parts, false).ok).toBe(ready)
  expect(readiness(parts, true).ok).toBe(false)
})
