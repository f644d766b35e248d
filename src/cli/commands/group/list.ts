import type { Command } from 'commander'
import type { GroupSummary } from '../../../postgres/inbox/pg-group-desk.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext, listOf } from '../../command-context.ts'
import { renderTable } from '../../output/render-table.ts'
import { inboxDatabases, withGroupsOf } from './group-of.ts'

type ListedGroup = GroupSummary & { readonly database: string }

/** `backstitch group list`: the groups of each inbox. */
export function addListCommand(group: Command, io: CliIo): void {
  group
    .command('list')
    .description('the groups that use the inboxes of the configuration')
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .addHelpText(
      'after',
      `
PASSED is the time before which all that a group had is committed. Rows of the inbox are kept from the earliest of these times on: a group that
will not come back holds them for ever; see \`backstitch group forget\`.

Example:
  backstitch group list --output json`,
    )
    .action(async (options: { readonly database?: readonly string[] }, self: Command) => {
      const context = await commandContext(io, self)
      const listed: ListedGroup[] = []
      for (const database of inboxDatabases(context, options.database)) {
        const groups = await withGroupsOf(context, database, (operator) => operator.list())
        listed.push(...groups.map((one) => ({ database: database.name, ...one })))
      }
      context.print(listed, groupTable)
    })
}

function groupTable(groups: readonly ListedGroup[]): string {
  return renderTable(
    ['database', 'group', 'kind', 'generation', 'topics', 'dead letters', 'seen', 'passed'],
    groups.map(({ topics, deadLetters, seenAt, passedAt, ...group }) => ({
      ...group,
      topics: topics.join(','),
      'dead letters': deadLetters,
      seen: seenAt,
      passed: passedAt,
    })),
  )
}
