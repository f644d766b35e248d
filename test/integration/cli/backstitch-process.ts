import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const main = fileURLToPath(new URL('../../../src/cli/main.ts', import.meta.url))
const shop = fileURLToPath(new URL('./shop', import.meta.url))

/** How a command ended. */
export type CommandResult = { readonly code: number | null; readonly out: string; readonly err: string }

/** A command under way. */
export type RunningCommand = {
  readonly process: ChildProcess
  /** Resolves once the output (both channels) holds the text; rejects when the process ends or 20 s pass before it does. */
  says(text: string): Promise<void>
  /** Both channels so far. */
  said(): string
  readonly ended: Promise<CommandResult>
}

/** Starts `backstitch` as a process of its own, in the folder of the shop’s configuration unless told otherwise. */
export function startBackstitch(
  words: readonly string[],
  options: { readonly environment?: Record<string, string>; readonly folder?: string } = {},
): RunningCommand {
  const child = spawn(process.execPath, ['--conditions=backstitch-source', main, ...words], {
    cwd: options.folder ?? shop,
    env: { PATH: process.env['PATH'] ?? '', ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const text = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.out += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.err += chunk))
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.on('error', reject).on('close', (code) => resolve({ code, ...text }))
  })
  return {
    process: child,
    ended,
    said: () => `${text.out}${text.err}`,
    says: async (wanted) => {
      const heard = (): boolean => `${text.out}${text.err}`.includes(wanted)
      const arrival = Promise.withResolvers<void>()
      const listen = (): void => {
        if (heard()) arrival.resolve()
      }
      child.stdout.on('data', listen)
      child.stderr.on('data', listen)
      listen()
      const failure = (why: string): void =>
        arrival.reject(new Error(`${why} without saying "${wanted}":\n${text.out}${text.err}`))
      const deadline = setTimeout(() => failure('20 s passed'), 20_000)
      void ended.then(() => failure('it ended'))
      try {
        await arrival.promise
      } finally {
        clearTimeout(deadline)
        child.stdout.off('data', listen)
        child.stderr.off('data', listen)
      }
    },
  }
}

/** Runs a command to its end. */
export function backstitch(
  words: readonly string[],
  environment: Record<string, string> = {},
): Promise<CommandResult> {
  return startBackstitch(words, { environment }).ended
}
