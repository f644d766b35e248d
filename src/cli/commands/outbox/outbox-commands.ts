import type { Command } from 'commander'
import type { CliIo } from '../../cli-io.ts'
import { addListCommand } from './list.ts'
import { addRetryCommand } from './retry.ts'
import { addSkipCommand } from './skip.ts'

/** Adds one verb to `backstitch outbox`. `end` takes its exit code; a verb that does not call it ends with 0. */
type AddVerb = (outbox: Command, io: CliIo, end: (exitCode: number) => void) => void

const addVerbs: readonly AddVerb[] = [addListCommand, addRetryCommand, addSkipCommand]

/** `backstitch outbox <verb>`: the outboxes of the configuration, and the rows that could not be published. */
export function addOutboxCommands(program: Command, io: CliIo, end: (exitCode: number) => void): void {
  const outbox = program
    .command('outbox')
    .description('look at the rows that could not be published, and have them retried or skipped')
  for (const add of addVerbs) add(outbox, io, end)
}
