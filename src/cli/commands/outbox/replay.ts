import { type Command, InvalidArgumentError } from 'commander'
import type { ReplayEntry } from '../../../relay/operator/replay-operator.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions, limitOf } from '../../operator-options.ts'
import { renderTable } from '../../output/render-table.ts'
import { onlyDatabase } from '../../only-database.ts'
import { withOutboxOf } from './outbox-of.ts'

type ReplayOptions = ActOptions & {
  readonly database?: string
  readonly from?: Date
  readonly to?: Date
  readonly seq?: { readonly fromSeq: string; readonly toSeq?: string }
  readonly topic?: string
  readonly aggregateType?: string
  readonly key?: string
  readonly newIds?: boolean
}

/** `backstitch outbox replay`: has published rows that are kept sent again. */
export function addReplayCommand(outbox: Command, io: CliIo): void {
  addActOptions(outbox.command('replay').description('send published rows again, as far as they are kept'))
    .option('--from <time>', 'rows created from this time on, such as 2026-11-24T10:00:00Z', timeOf)
    .option('--to <time>', 'and up to this time', timeOf)
    .option(
      '--seq <from..to>',
      'instead of times: rows from one seq to another, or `<from>..` to the last',
      seqsOf,
    )
    .option('--topic <topic>', 'to this topic instead of their own')
    .option('--aggregate-type <type>', 'only rows of this aggregate type')
    .option('--key <key>', 'only rows with this key')
    .option('--new-ids', 'give the records new ids, so that inboxes which had them take them again')
    .option('--database <name>', 'the database of the configuration, where it has several')
    .addHelpText(
      'after',
      `
The relays that own the shards do it, beside what is new. Records carry the header replay-id. Rows of parked keys are passed over, and a
compacted topic is refused. \`backstitch outbox replays\` tells how far it is.

Examples:
  backstitch outbox replay --seq 4711..4799 --reason 'billing lost its index'
  backstitch outbox replay --from 2026-11-24T10:00:00Z --aggregate-type order --topic order.again --reason 'a new reader'`,
    )
    .action(async (options: ReplayOptions, self: Command) => {
      const { reason, actor, database: name, seq, ...request } = options
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, name)
      const requested = await withOutboxOf(context, database, (operator) =>
        operator.replay({ ...request, ...seq }, { reason, actor: actorOf(actor) }),
      )
      context.print({ database: database.name, ...requested }, (it) => {
        const { seq: keptSeq, createdAt } = it.keptFrom
        const cut = it.isCut
          ? `Rows before seq ${keptSeq} (${createdAt.toISOString()}) are not kept any more.\n`
          : ''
        return `${it.database}: replay ${it.id} of seq ${it.fromSeq} to ${it.toSeq} requested\n${cut}`
      })
    })
}

/** `backstitch outbox replays`: how far replays are. */
export function addReplaysCommand(outbox: Command, io: CliIo): void {
  outbox
    .command('replays')
    .description('how far replays are, the newest first')
    .option('--limit <number>', 'how many at most', limitOf, 20)
    .option('--database <name>', 'the database of the configuration, where it has several')
    .action(async (options: { readonly limit: number; readonly database?: string }, self: Command) => {
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      const { limit } = options
      context.print(
        await withOutboxOf(context, database, (operator) => operator.replays({ limit })),
        replaysTable,
      )
    })
}

/** `backstitch outbox cancel-replay`: ends a replay. */
export function addCancelReplayCommand(outbox: Command, io: CliIo): void {
  addActOptions(outbox.command('cancel-replay').description('end a replay that is not done'))
    .argument('<id>', 'its id')
    .option('--database <name>', 'the database of the configuration, where it has several')
    .action(async (id: string, options: ActOptions & { readonly database?: string }, self: Command) => {
      const act = { reason: options.reason, actor: actorOf(options.actor) }
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      await withOutboxOf(context, database, (operator) => operator.cancelReplay(id, act))
      context.print({ database: database.name, id }, () => `${database.name}: replay ${id} is cancelled\n`)
    })
}

function replaysTable(replays: readonly ReplayEntry[]): string {
  return renderTable(
    [
      'id',
      'state',
      'from',
      'to',
      'position',
      'published',
      'skipped',
      'refused',
      'topic',
      'by',
      'reason',
      'failure',
    ],
    replays.map(({ fromSeq, toSeq, requestedBy, ...replay }) => ({
      ...replay,
      from: fromSeq,
      to: toSeq,
      by: requestedBy,
    })),
  )
}

function timeOf(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime()) || !/^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:?\d\d))?$/.test(text))
    throw new InvalidArgumentError('It is a day, or a time with its zone, such as 2026-11-24T10:00:00Z.')
  return time
}

function seqsOf(text: string): { readonly fromSeq: string; readonly toSeq?: string } {
  const match = /^(\d{1,18})\.\.(\d{1,18})?$/.exec(text)
  if (!match?.[1]) throw new InvalidArgumentError('It is two whole numbers, such as 4711..4799.')
  return { fromSeq: match[1], ...(match[2] !== undefined && { toSeq: match[2] }) }
}
