import { type Command, InvalidArgumentError } from 'commander'
import { BackstitchError } from '../../../kernel/errors.ts'
import type { RewindTarget } from '../../../runtime/groups/group-offsets.ts'
import type { RewindReport } from '../../../runtime/groups/group-operator.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext, listOf } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { renderTable } from '../../output/render-table.ts'
import { onlyInboxDatabase, withGroupsOf } from './group-of.ts'

type Place = { readonly topic: string; readonly partition: number; readonly offset: bigint }

type RewindCommandOptions = ActOptions & {
  readonly database?: string
  readonly toTime?: Date
  readonly toOffset?: readonly Place[]
  readonly earliest?: boolean
  readonly topic?: readonly string[]
  readonly dryRun?: boolean
}

const verbs = {
  redeliver: {
    description: 'send a group back, its inbox on: it takes what it missed and passes over what it had',
    more: 'Not further back than the inbox remembers.',
  },
  reprocess: {
    description: 'send a group back under a new inbox: it handles everything from there on once more',
    more: 'Each message takes effect once more, with the ids of what it sends as they were. Dead letters of what comes again are dropped.',
  },
} as const

/** `backstitch group redeliver|reprocess`: has a group read again. */
export function addRewindCommands(group: Command, io: CliIo): void {
  for (const verb of ['redeliver', 'reprocess'] as const) {
    const { description, more } = verbs[verb]
    addActOptions(group.command(verb).description(description).argument('<group>', 'its name'))
      .option(
        '--to-time <time>',
        'to the first record of this time or later, such as 2026-11-24T10:00:00Z',
        timeOf,
      )
      .option(
        '--to-offset <topic/partition=offset>',
        'of this partition to this offset; may be given again',
        placeOf,
      )
      .option('--earliest', 'to the first records that are kept')
      .option('--topic <topics>', 'only these of its topics', listOf)
      .option('--dry-run', 'only tell what would be done')
      .option('--database <name>', 'the database of the configuration, where several have an inbox')
      .addHelpText(
        'after',
        `
All members of the group must be stopped: it is refused while there are any. No partition goes forward. ${more}

Examples:
  backstitch group ${verb} billing --to-time 2026-11-24T10:00:00Z --reason 'the index was lost' --dry-run
  backstitch group ${verb} billing --to-offset outbox.event.order/3=1200 --reason 'the index was lost'`,
      )
      .action(async (name: string, options: RewindCommandOptions, self: Command) => {
        const to = targetOf(options)
        const act = { reason: options.reason, actor: actorOf(options.actor) }
        const context = await commandContext(io, self)
        const database = onlyInboxDatabase(context, options.database)
        const report = await withGroupsOf(context, database, (operator) =>
          operator[verb](name, { to, dryRun: options.dryRun === true }, act),
        )
        context.print({ database: database.name, ...jsonOf(report) }, () => page(verb, report))
      })
  }
}

/** @throws `CONFIG_INVALID` unless it is exactly one */
function targetOf({ toTime, toOffset, earliest, topic: topics }: RewindCommandOptions): RewindTarget {
  const given = [toTime, toOffset, earliest].filter((one) => one !== undefined)
  if (given.length !== 1)
    throw new BackstitchError('CONFIG_INVALID', 'Give one of --to-time, --to-offset and --earliest')
  if (toOffset !== undefined) {
    if (topics !== undefined)
      throw new BackstitchError('CONFIG_INVALID', '--topic: with --to-offset the topics are named already')
    return { kind: 'offsets', offsets: toOffset }
  }
  const of = topics === undefined ? {} : { topics }
  return toTime === undefined
    ? { kind: 'earliest', ...of }
    : { kind: 'time', timeMs: toTime.getTime(), ...of }
}

function jsonOf({ partitions, ...report }: RewindReport): object {
  return {
    ...report,
    partitions: partitions.map(({ from, to, records, ...place }) => ({
      ...place,
      from: String(from),
      to: String(to),
      records: String(records),
    })),
  }
}

function page(verb: string, report: RewindReport): string {
  const { group, partitions, generation, deadLettersDropped, dryRun } = report
  if (partitions.length === 0) return `${group}: nothing lies before where it is; nothing was changed\n`
  const records = partitions.reduce((sum, one) => sum + one.records, 0n)
  const dropped = deadLettersDropped === 0 ? '' : `, ${deadLettersDropped} dead letter(s) dropped`
  const done = dryRun
    ? 'nothing was changed'
    : `its members may be started; the inbox is of generation ${generation}`
  return `${renderTable(['topic', 'partition', 'from', 'to', 'records'], partitions)}
${group}: ${verb} of at most ${records} record(s)${dropped}; ${done}
`
}

function timeOf(text: string): Date {
  const time = new Date(text)
  if (Number.isNaN(time.getTime()) || !/^\d{4}-\d\d-\d\d(T.*(Z|[+-]\d\d:?\d\d))?$/.test(text))
    throw new InvalidArgumentError('It is a day, or a time with its zone, such as 2026-11-24T10:00:00Z.')
  return time
}

function placeOf(text: string, before: readonly Place[] = []): readonly Place[] {
  const match = /^([a-zA-Z0-9._-]+)\/(\d{1,9})=(\d{1,18})$/.exec(text)
  if (!match) throw new InvalidArgumentError('It is <topic>/<partition>=<offset>.')
  const [, topic = '', partition = '', offset = ''] = match
  return [...before, { topic, partition: Number(partition), offset: BigInt(offset) }]
}
