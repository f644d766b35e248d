import { spawn } from 'node:child_process'

/** How a program ended and what it wrote. */
export interface ProgramResult {
  code: number | null
  stdout: Buffer
  stderr: string
}

/** Settings of {@link runProgram}. */
export interface ProgramOptions {
  cwd?: string
  /** SIGKILL after this long. Default 10 s. */
  timeoutMs?: number
  /** What it reads from its standard input. Default: nothing. */
  input?: string | Buffer
}

/** Runs a program to its end and collects what it writes. Rejects only if it cannot be started at all. */
export function runProgram(
  path: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      timeout: options.timeoutMs ?? 10_000,
      killSignal: 'SIGKILL',
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    // a program that ends early breaks the pipe; its exit code says why
    child.stdin?.on('error', () => undefined).end(options.input)
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.once('error', reject)
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}
