import { spawn } from 'node:child_process'

/** What a program wrote, both channels in one, and how it ended. */
export type ProgramResult = {
  readonly code: number | null
  readonly output: string
  /** Whether `until` came to hold. */
  readonly held: boolean
}

/**
 * Runs a program until it ends, or until `until` holds: then it is killed.
 * @throws Error when neither happens within `timeoutMs` (default 60 s); with its output
 */
export async function runProgram(
  program: string,
  words: readonly string[],
  options: {
    readonly folder: string
    readonly environment: Readonly<Record<string, string>>
    readonly until?: () => Promise<boolean>
    readonly timeoutMs?: number
  },
): Promise<ProgramResult> {
  const { folder, environment, until, timeoutMs = 60_000 } = options
  const child = spawn(program, words, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs)
  try {
    const held = until !== undefined && (await holdsBefore(ended, until))
    if (held) child.kill('SIGKILL')
    const code = await ended
    if (code === null && !held) throw new Error(`${program} was not done within ${timeoutMs} ms: ${output}`)
    return { code, output, held }
  } finally {
    clearTimeout(deadline)
    child.kill('SIGKILL')
  }
}

/** Waits for the condition. @returns false when the program ends first */
async function holdsBefore(ended: Promise<unknown>, until: () => Promise<boolean>): Promise<boolean> {
  const end = ended.then(() => 'ended' as const)
  for (;;) {
    if (await until()) return true
    const pause = new Promise<'again'>((resolve) => setTimeout(() => resolve('again'), 50))
    if ((await Promise.race([end, pause])) === 'ended') return false
  }
}
