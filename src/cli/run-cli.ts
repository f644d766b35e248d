import { CommanderError } from 'commander'
import type { CliIo } from './cli-io.ts'
import { createProgram } from './create-program.ts'
import { exitCode, exitCodeOf } from './output/exit-code.ts'
import { reportError } from './output/report-error.ts'

/**
 * Runs one command line.
 * @param words what follows the name of the program
 * @returns the exit code; never rejects
 */
export async function runCli(words: readonly string[], io: CliIo): Promise<number> {
  const outcome = { exitCode: exitCode.ok as number }
  const program = createProgram(io, (code) => {
    outcome.exitCode = code
  })
  try {
    await program.parseAsync([...words], { from: 'user' })
    return outcome.exitCode
  } catch (thrown) {
    // commander has said what it had to say; only help and version end well.
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? exitCode.ok : exitCode.usage
    io.err(reportError(thrown, program.opts()['verbose'] === true))
    return exitCodeOf(thrown)
  }
}
