import { type Command, InvalidArgumentError } from 'commander'
import type { ReshardReport } from '../../../relay/ownership/outbox-administrator.ts'
import { createOutboxAdministrator } from '../../../runtime/outbox-administrator.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyDatabase } from '../../only-database.ts'

type ShardsOptions = ActOptions & {
  readonly database?: string
  readonly dryRun?: boolean
  readonly resentMax: number
}

/** `backstitch outbox shards`: changes the number of shards, while no relay runs. */
export function addShardsCommand(outbox: Command, io: CliIo): void {
  addActOptions(outbox.command('shards').description('change the number of shards of an outbox'))
    .argument('<count>', 'from 1 to 256', countOf)
    .option('--database <name>', 'the database of the configuration, where it has several')
    .option('--dry-run', 'only say what would be done')
    .option('--resent-max <rows>', 'how many rows may be published again at most', countOf, 10_000)
    .addHelpText(
      'after',
      `
Stop all relays of the database first; services may go on writing. Rows that one shard had published and another one was behind are
published again, with the ids that they had.

Example:
  backstitch outbox shards 4 --reason 'one relay is not enough any more'`,
    )
    .action(async (count: number, options: ShardsOptions, self: Command) => {
      const act = { reason: options.reason, actor: actorOf(options.actor) }
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      const { name, schema } = database
      const report = await context.withPool(database, (pool) =>
        createOutboxAdministrator({ database: pool, schema, name }).reshard(count, act, {
          dryRun: options.dryRun === true,
          resentMax: options.resentMax,
        }),
      )
      context.print({ database: name, ...report }, textOf)
    })
}

function textOf({
  database,
  dryRun,
  from,
  to,
  resent,
}: ReshardReport & { readonly database: string }): string {
  const [had, are] = dryRun ? ['would have', 'would be'] : ['has', 'are']
  return `${database}: the outbox ${had} ${to} shard(s), before ${from}; ${resent} row(s) ${are} published again
`
}

function countOf(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return Number(text)
}
