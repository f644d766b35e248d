import type { Command } from 'commander'
import type { CliIo } from '../../cli-io.ts'
import { addDropCommand } from './drop.ts'
import { addEditCommand } from './edit.ts'
import { addExportCommand } from './export.ts'
import { addListCommand } from './list.ts'
import { addRedriveCommand } from './redrive.ts'
import { addShowCommand } from './show.ts'

const addVerbs: readonly ((dlq: Command, io: CliIo) => void)[] = [
  addListCommand,
  addShowCommand,
  addRedriveCommand,
  addEditCommand,
  addDropCommand,
  addExportCommand,
]

/** `backstitch dlq <verb>`: the messages that could not be handled. */
export function addDlqCommands(program: Command, io: CliIo): void {
  const dlq = program
    .command('dlq')
    .description('look at the dead letters of consumers, and have them handled, edited or dropped')
  for (const add of addVerbs) add(dlq, io)
}
