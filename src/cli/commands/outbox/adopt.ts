import { type Command, InvalidArgumentError } from 'commander'
import { type Duration, durationMs } from '../../../kernel/duration.ts'
import type { AdoptionReport } from '../../../relay/ownership/outbox-administrator.ts'
import { createOutboxAdministrator } from '../../../runtime/outbox-administrator.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { onlyDatabase } from '../../only-database.ts'

type AdoptCommandOptions = ActOptions & {
  readonly database?: string
  readonly dryRun?: boolean
  readonly lockTimeout?: number
}

/** `backstitch outbox adopt`: takes over the outbox of a restored or upgraded database. */
export function addAdoptCommand(outbox: Command, io: CliIo): void {
  addActOptions(
    outbox.command('adopt').description('take over the outbox of a restored or upgraded database'),
  )
    .option('--database <name>', 'the database of the configuration, where it has several')
    .option('--dry-run', 'only count what would be done')
    .option('--lock-timeout <duration>', 'how long to wait for open transactions', timeoutOf, 2_000)
    .addHelpText(
      'after',
      `
For a database whose relay says OUTBOX_CHECKPOINT_FOREIGN or OUTBOX_CHECKPOINT_AHEAD. Stop the services that write it first.
What was sent between the dump and the outage is sent again, with the ids that it had.

Examples:
  backstitch outbox adopt --reason 'restored from the dump of 08:00' --dry-run
  backstitch outbox adopt --reason 'restored from the dump of 08:00'`,
    )
    .action(async (options: AdoptCommandOptions, self: Command) => {
      const act = { reason: options.reason, actor: actorOf(options.actor) }
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      const { name, schema } = database
      const report = await context.withPool(database, (pool) =>
        createOutboxAdministrator({ database: pool, schema, name }).adopt(act, {
          dryRun: options.dryRun === true,
          ...(options.lockTimeout !== undefined && { lockTimeoutMs: options.lockTimeout }),
        }),
      )
      context.print({ database: name, ...report }, textOf)
    })
}

function textOf(report: AdoptionReport & { readonly database: string }): string {
  const { database, dryRun, from, to, unpublished, published, parked, hasMoreParked, shards, sequence } =
    report
  const found = from === undefined ? 'no checkpoint' : `a checkpoint of cluster ${from}`
  const [were, stay] = dryRun ? ['would be', 'would stay'] : ['were', 'stay']
  return `${database}: ${found}, now in cluster ${to}, ${shards} shard(s)
  ${unpublished} unpublished row(s) ${were} written anew, with their ids and in their order
  ${published} published row(s) ${were} removed
  ${hasMoreParked ? 'more than ' : ''}${parked} row(s) in the quarantine ${stay}
  ${dryRun ? 'nothing was changed' : `the sequence goes on behind ${sequence}; a relay may be started`}
What was sent after the moment that was restored is sent again, with the ids that it had.
`
}

function timeoutOf(text: string): number {
  try {
    return durationMs(text as Duration)
  } catch {
    throw new InvalidArgumentError('It is a duration, such as 2s.')
  }
}
