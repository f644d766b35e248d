import type { Command } from 'commander'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyInboxDatabase, withGroupsOf } from './group-of.ts'

/** `backstitch group forget`: a group that will not come back holds no rows of the inbox any more. */
export function addForgetCommand(group: Command, io: CliIo): void {
  addActOptions(
    group
      .command('forget')
      .description('keep rows of the inbox for a group no more that will not come back')
      .argument('<group>', 'its name')
      .option('--database <name>', 'the database of the configuration, where several have an inbox'),
  )
    .addHelpText('after', "\nExample:\n  backstitch group forget old-billing --reason 'replaced by invoices'")
    .action(async (name: string, options: ActOptions & { readonly database?: string }, self: Command) => {
      const act = { reason: options.reason, actor: actorOf(options.actor) }
      const context = await commandContext(io, self)
      const database = onlyInboxDatabase(context, options.database)
      await withGroupsOf(context, database, (operator) => operator.forget(name, act))
      context.print(
        { database: database.name, group: name },
        () => `${database.name}: ${name} is forgotten\n`,
      )
    })
}
