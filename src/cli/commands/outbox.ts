import { type Command, InvalidArgumentError } from 'commander'
import { BackstitchError } from '../../kernel/errors.ts'
import type { QuarantineEntry, QuarantineSelection } from '../../relay/quarantine/outbox-operator.ts'
import type { Config } from '../../runtime/config.ts'
import { chooseDatabases, type KnownDatabase } from '../../runtime/from-config/choose-databases.ts'
import { createOutboxOperator } from '../../runtime/outbox-operator.ts'
import { actorOf } from '../actor.ts'
import type { CliIo } from '../cli-io.ts'
import { type CommandContext, commandContext, listOf } from '../command-context.ts'
import { renderTable } from '../output/render-table.ts'
import { type ActOptions, addActOptions, limitOf } from '../operator-options.ts'

type ListOptions = {
  readonly database?: readonly string[]
  readonly topic?: string
  readonly key?: string
  readonly limit: number
}

type RequestOptions = ActOptions & {
  readonly database?: string
  readonly topic?: string
  readonly key?: string
  readonly all?: boolean
  readonly yes?: boolean
}

/** A row of the quarantine, and whose. */
type ListedRow = QuarantineEntry & { readonly database: string }

/** `backstitch outbox list|retry|skip`: the rows that could not be published, and those that wait behind them. */
export function addOutboxCommands(program: Command, io: CliIo): void {
  const outbox = program
    .command('outbox')
    .description('look at the rows that could not be published, and have them retried or skipped')
  outbox
    .command('list')
    .description('the rows in the quarantine, the oldest first')
    .option('--database <names>', 'only these databases of the configuration', listOf)
    .option('--topic <topic>', 'only those for this topic')
    .option('--key <key>', 'only those with this key')
    .option('--limit <number>', 'how many at most, of each database', limitOf, 100)
    .addHelpText('after', '\nExample:\n  backstitch outbox list --topic outbox.event.order')
    .action(async (options: ListOptions, command: Command) => {
      const context = await commandContext(io, command)
      context.print(await list(context, options), listedTable)
    })
  addRequest(outbox, io, 'retry', 'publish rows again, each key from its first row on')
  addRequest(outbox, io, 'skip', 'drop rows: they are never published')
}

function addRequest(outbox: Command, io: CliIo, verb: 'retry' | 'skip', description: string): void {
  const command = addActOptions(outbox.command(verb).description(description))
    .argument('[seq...]', 'the rows by their seq', seqsOf)
    .option('--topic <topic>', 'instead of seqs: the rows for this topic')
    .option('--key <key>', 'and only those with this key')
    .option('--all', 'instead of seqs: every row')
    .option('--database <name>', 'the database of the configuration, where it has several')
  if (verb === 'skip') command.option('--yes', 'confirm `--all`')
  command
    .addHelpText(
      'after',
      `
The relay that owns the outbox does it within about a second, and keeps the order of each key.

Examples:
  backstitch outbox ${verb} 4711 4712 --reason '${verb === 'retry' ? 'the limit was raised' : 'sent by hand'}'
  backstitch outbox ${verb} --topic outbox.event.order --key o-17 --reason '${verb === 'retry' ? 'the limit was raised' : 'the order was cancelled'}'`,
    )
    .action(async (seqs: readonly string[], options: RequestOptions, self: Command) => {
      const selection = selectionOf(seqs, options)
      const act = { reason: options.reason, actor: actorOf(options.actor) }
      const context = await commandContext(io, self)
      const database = onlyDatabase(context.config, options.database)
      if (verb === 'skip' && options.all === true && options.yes !== true)
        throw new BackstitchError(
          'CONFIRMATION_MISSING',
          `outbox skip --all would drop every row in the quarantine of ${database.name}`,
        )
      const requested = await context.withPool(database, (pool) =>
        createOutboxOperator({ database: pool, schema: database.schema })[verb](selection, act),
      )
      context.print(
        { database: database.name, verb, seqs: requested },
        (it) => `${it.database}: ${verb} requested of ${it.seqs.length} row(s): ${it.seqs.join(', ')}\n`,
      )
    })
}

async function list({ config, withPool }: CommandContext, options: ListOptions): Promise<ListedRow[]> {
  const { topic, key, limit } = options
  const rows: ListedRow[] = []
  for (const database of chooseDatabases(config, { names: options.database, part: 'outbox' })) {
    const entries = await withPool(database, (pool) =>
      createOutboxOperator({ database: pool, schema: database.schema }).list({
        limit,
        ...(topic !== undefined && { topic }),
        ...(key !== undefined && { key }),
      }),
    )
    rows.push(...entries.map((entry) => ({ database: database.name, ...entry })))
  }
  return rows
}

/** A `seq` names a row of one database only. @throws `CONFIG_INVALID` */
function onlyDatabase(config: Config, name: string | undefined): KnownDatabase {
  const found = chooseDatabases(config, { names: name === undefined ? undefined : [name], part: 'outbox' })
  const [only] = found
  if (only === undefined || found.length > 1)
    throw new BackstitchError(
      'CONFIG_INVALID',
      `--database: name one of ${found.map((database) => database.name).join(', ')}`,
    )
  return only
}

/** @throws `CONFIG_INVALID` unless exactly one way to name rows was used */
function selectionOf(seqs: readonly string[], { topic, key, all }: RequestOptions): QuarantineSelection {
  const ways = [seqs.length > 0, topic !== undefined, all === true].filter(Boolean).length
  if (ways !== 1 || (key !== undefined && topic === undefined))
    throw new BackstitchError(
      'CONFIG_INVALID',
      'Name the rows by seqs, or by --topic (with or without --key), or by --all',
    )
  if (topic !== undefined) return { topic, ...(key !== undefined && { key }) }
  return all === true ? { all } : { seqs }
}

function seqsOf(text: string, before: readonly string[] | undefined): readonly string[] {
  if (!/^\d{1,18}$/.test(text)) throw new InvalidArgumentError('It is a whole number.')
  return [...(before ?? []), text]
}

function listedTable(rows: readonly ListedRow[]): string {
  return renderTable(
    ['database', 'seq', 'topic', 'key', 'type', 'bytes', 'code', 'parked', 'intent', 'reason'],
    rows.map(({ parkedAt, intent, version, type, ...row }) => ({
      ...row,
      type: `${type} v${version}`,
      parked: parkedAt,
      intent: intent && `${intent.verb} by ${intent.actor}: ${intent.reason}`,
    })),
  )
}
