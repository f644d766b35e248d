import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { canBind, ChildRun, isAlive, parentOf, processesWith } from './processes/child-run.ts'

const SCRIPT = fileURLToPath(new URL('processes/start-and-wait.ts', import.meta.url))
const CLEARED_WITHIN = { timeout: 8_000, interval: 50 }

describe('a run that is killed with SIGKILL', () => {
  let run: ChildRun | undefined
  afterEach(async () => {
    await run?.clear()
    run = undefined
  })

  test('leaves no process, no port and no folder of its servers', async () => {
    run = await ChildRun.start(SCRIPT, ['postgres', 'kafka'])
    const { temporary } = run
    const { pids, ports } = await run.started()
    expect(pids).toHaveLength(2)
    expect(ports).toHaveLength(2)
    const guards = pids.map(parentOf)
    expect(guards).not.toContain(run.process.pid)
    for (const port of ports) expect(await canBind(port)).toBe(false)
    expect(await run.leftovers()).not.toEqual([])

    await run.killHard()

    await vi.waitFor(async () => {
      expect([...pids, ...guards].filter(isAlive)).toEqual([])
      expect(processesWith(temporary)).toEqual([])
      for (const port of ports) expect(await canBind(port)).toBe(true)
      expect(await run?.leftovers()).toEqual([])
    }, CLEARED_WITHIN)
  })

  test('leaves nothing either when it is killed while its server is being set up', async () => {
    run = await ChildRun.start(SCRIPT, ['postgres'])
    const { temporary } = run
    // a process that has the folder in its arguments is initdb, or already the server
    await vi.waitFor(() => expect(processesWith(temporary)).not.toEqual([]), {
      timeout: 20_000,
      interval: 10,
    })

    await run.killHard()

    await vi.waitFor(async () => {
      expect(processesWith(temporary)).toEqual([])
      expect(await run?.leftovers()).toEqual([])
    }, CLEARED_WITHIN)
  })

  test('leaves nothing when its server was frozen', async () => {
    run = await ChildRun.start(SCRIPT, ['postgres'])
    const { temporary } = run
    const { pids, ports } = await run.started()
    for (const pid of pids) process.kill(pid, 'SIGSTOP')

    await run.killHard()

    await vi.waitFor(async () => {
      expect(processesWith(temporary)).toEqual([])
      for (const port of ports) expect(await canBind(port)).toBe(true)
      expect(await run?.leftovers()).toEqual([])
    }, CLEARED_WITHIN)
  })
})
