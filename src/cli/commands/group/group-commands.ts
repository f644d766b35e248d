import type { Command } from 'commander'
import type { CliIo } from '../../cli-io.ts'
import { addForgetCommand } from './forget.ts'
import { addListCommand } from './list.ts'
import { addRewindCommands } from './rewind.ts'
import { addShowCommand } from './show.ts'

/** `backstitch group <verb>`: the consumer groups that use the inboxes of the configuration. */
export function addGroupCommands(program: Command, io: CliIo): void {
  const group = program.command('group').description('look at consumer groups, and have them read again')
  addListCommand(group, io)
  addShowCommand(group, io)
  addRewindCommands(group, io)
  addForgetCommand(group, io)
}
