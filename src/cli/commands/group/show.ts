import type { Command } from 'commander'
import type { GroupDetails } from '../../../runtime/groups/group-operator.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { cellOf, renderTable } from '../../output/render-table.ts'
import { onlyInboxDatabase, withGroupsOf } from './group-of.ts'

/** `backstitch group show`: one group, its members and how far it is in each partition. */
export function addShowCommand(group: Command, io: CliIo): void {
  group
    .command('show')
    .description('one group: its members, and how far it is in each partition')
    .argument('<group>', 'its name')
    .option('--database <name>', 'the database of the configuration, where several have an inbox')
    .addHelpText('after', '\nExample:\n  backstitch group show billing')
    .action(async (name: string, options: { readonly database?: string }, self: Command) => {
      const context = await commandContext(io, self)
      const database = onlyInboxDatabase(context, options.database)
      const details = await withGroupsOf(context, database, (operator) => operator.show(name))
      context.print(jsonOf(details), () => page(details))
    })
}

function jsonOf({ partitions, ...details }: GroupDetails): object {
  return {
    ...details,
    partitions: partitions.map(({ begin, end, committed, lag, ...place }) => ({
      ...place,
      begin: String(begin),
      end: String(end),
      committed: committed === undefined ? null : String(committed),
      lag: String(lag),
    })),
  }
}

function page(details: GroupDetails): string {
  const { group, kind, generation, state, members, deadLetters, retentionMs, seenAt, passedAt } = details
  const facts = {
    group,
    kind,
    generation,
    state,
    members: members.map(({ clientId, host }) => `${clientId} at ${host}`).join(', '),
    'dead letters': deadLetters,
    keeps: `${Math.round(retentionMs / 3_600_000)} hours of the inbox`,
    seen: seenAt,
    passed: passedAt,
  }
  const head = Object.entries(facts).map(([fact, value]) => `${`${fact}:`.padEnd(14)}${cellOf(value)}\n`)
  return `${head.join('')}\n${renderTable(['topic', 'partition', 'begin', 'committed', 'end', 'lag'], details.partitions)}`
}
