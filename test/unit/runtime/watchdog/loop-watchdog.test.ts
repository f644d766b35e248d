import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, test, type TestContext } from 'vitest'

/** A process whose loop is watched, and blocked. */
function watched(
  { onTestFinished }: Pick<TestContext, 'onTestFinished'>,
  limits: readonly number[],
  blockMs: number,
  { act = '', flags = [] }: { readonly act?: string; readonly flags?: readonly string[] } = {},
) {
  const script = fileURLToPath(new URL('processes/watched.ts', import.meta.url))
  const child = spawn(
    process.execPath,
    [...flags, '--disable-warning=ExperimentalWarning', script, limits.join(), String(blockMs), act],
    { env: { ...process.env, NODE_OPTIONS: '' } },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  let told = ''
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()))
  const lines: string[] = []
  const blocks = Promise.withResolvers<void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line)
    blocks.resolve()
  })
  const ended = new Promise<{ signal: string | null; code: number | null; lines: string[]; told: string }>(
    (resolve) => child.on('close', (code, signal) => resolve({ code, signal, lines, told })),
  )
  return { child, blocks: blocks.promise, ended }
}

const livedOn = { signal: null, code: 0, lines: ['blocks', 'ends'] }
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

describe.concurrent('the watchdog of the event loop', () => {
  test('ends a process whose loop is blocked, and says in one line where it stood', async (context) => {
    const { signal, lines, told } = await watched(context, [1_000], 60_000).ended
    context.expect({ signal, lines }).toEqual({ signal: 'SIGKILL', lines: ['blocks'] })
    const line = JSON.parse(told) as Record<string, unknown>
    context
      .expect(line)
      .toMatchObject({ level: 60, code: 'EVENT_LOOP_BLOCKED', pid: context.expect.any(Number) })
    context.expect(line['blockedMs']).toBeGreaterThanOrEqual(1_000)
    context
      .expect((line['stack'] as string[]).join('\n'))
      .toMatch(/computeForTooLong \(file:.*watched\.ts:\d+\)/)
  })

  test('lets a process be that is blocked for less, and one that has nothing more to do end by itself', async (context) => {
    context.expect(await watched(context, [30_000], 1_500).ended).toMatchObject(livedOn)
  })

  test('the most patient part of a process decides, and 0 is for ever', async (context) => {
    const [patient, off, impatient] = await Promise.all([
      watched(context, [1_000, 20_000], 2_500).ended,
      watched(context, [1_000, 0], 2_500).ended,
      watched(context, [500, 1_000], 20_000).ended,
    ])
    context
      .expect([patient, off])
      .toEqual([context.expect.objectContaining(livedOn), context.expect.objectContaining(livedOn)])
    context.expect(impatient.signal).toBe('SIGKILL')
  })

  test('is over with the last part', async (context) => {
    context
      .expect(await watched(context, [1_000, 1_000], 2_500, { act: 'stopped' }).ended)
      .toMatchObject(livedOn)
  })

  test('a process that was frozen for longer is let be', async (context) => {
    const process = watched(context, [1_000], 0)
    await process.blocks
    process.child.kill('SIGSTOP')
    await pause(3_000)
    process.child.kill('SIGCONT')
    context.expect(await process.ended).toMatchObject(livedOn)
  })

  test('with its inspector open it is let be: somebody may stand at a breakpoint', async (context) => {
    context
      .expect(await watched(context, [1_000], 2_500, { flags: ['--inspect=0'] }).ended)
      .toMatchObject(livedOn)
  })
})
