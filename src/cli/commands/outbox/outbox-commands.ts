import type { Command } from 'commander'
import type { CliIo } from '../../cli-io.ts'
import { addAdoptCommand } from './adopt.ts'
import { addEditCommand } from './edit.ts'
import { addListCommand } from './list.ts'
import { addCancelReplayCommand, addReplayCommand, addReplaysCommand } from './replay.ts'
import { addRetryCommand } from './retry.ts'
import { addShardsCommand } from './shards.ts'
import { addShowCommand } from './show.ts'
import { addSkipCommand } from './skip.ts'
import { addStatusCommand } from './status.ts'

/** Adds one verb to `backstitch outbox`. `end` takes its exit code; a verb that does not call it ends with 0. */
type AddVerb = (outbox: Command, io: CliIo, end: (exitCode: number) => void) => void

const addVerbs: readonly AddVerb[] = [
  addStatusCommand,
  addListCommand,
  addShowCommand,
  addRetryCommand,
  addEditCommand,
  addSkipCommand,
  addAdoptCommand,
  addShardsCommand,
  addReplayCommand,
  addReplaysCommand,
  addCancelReplayCommand,
]

/** `backstitch outbox <verb>`: the outboxes of the configuration, and the rows that could not be published. */
export function addOutboxCommands(program: Command, io: CliIo, end: (exitCode: number) => void): void {
  const outbox = program
    .command('outbox')
    .description('look at the outboxes, and help the rows that could not be published')
  for (const add of addVerbs) add(outbox, io, end)
}
