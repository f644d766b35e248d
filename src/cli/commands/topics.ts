import type { Command } from 'commander'
import { BackstitchError } from '../../kernel/errors.ts'
import { adoptTopic } from '../../runtime/adopt-topic.ts'
import { createTransportFromConfig } from '../../runtime/from-config/create-transport-from-config.ts'
import { applyTopics, declaredTopics, type PlannedTopic, planTopics } from '../../runtime/topics.ts'
import type { CliIo } from '../cli-io.ts'
import { onlyDatabase } from '../only-database.ts'
import { actorOf } from '../actor.ts'
import { type CommandContext, commandContext } from '../command-context.ts'
import { type ActOptions, addActOptions } from '../operator-options.ts'
import { exitCode } from '../output/exit-code.ts'
import { renderTable } from '../output/render-table.ts'

/** `backstitch topics plan|apply|adopt`: the topics that the contracts and sagas of the configuration declare. */
export function addTopicsCommands(program: Command, io: CliIo, end: (exitCode: number) => void): void {
  const topics = program
    .command('topics')
    .description('the topics that the contracts and sagas of the configuration declare')
  topics
    .command('plan')
    .description('compare them with those that exist; exit code 3 when some are missing')
    .addHelpText('after', '\nExample:\n  backstitch topics plan --output json')
    .action(async (_: object, command: Command) => {
      const context = await commandContext(io, command)
      const plan = await carryOut(context, planTopics)
      context.print(plan, asTable)
      end(plan.some(({ state }) => state === 'create') ? exitCode.problems : exitCode.ok)
    })
  topics
    .command('apply')
    .description('create those that do not exist; the others stay as they are')
    .addHelpText('after', '\nExample:\n  backstitch topics apply')
    .action(async (_: object, command: Command) => {
      const context = await commandContext(io, command)
      context.print(await carryOut(context, applyTopics), (plan) =>
        asTable(
          plan.map((topic) => ({ ...topic, state: topic.state === 'create' ? 'created' : topic.state })),
        ),
      )
    })
  addActOptions(
    topics
      .command('adopt')
      .description('write a topic with the number of partitions that it has by now')
      .argument('<topic>', 'the topic by its whole name')
      .option('--database <name>', 'the database of the configuration, where it has several'),
  )
    .addHelpText(
      'after',
      `
An outbox goes on with the number of partitions that a topic had at its first use: with another one the rows of a key could meet on two
partitions. This changes it, with nothing under way, within about ten seconds; a relay must run. Keys may be on other partitions from then on.

Example:
  backstitch topics adopt outbox.event.order --reason 'six more consumers'`,
    )
    .action(async (topic: string, options: ActOptions & { database?: string }, command: Command) => {
      const context = await commandContext(io, command)
      const { config, waitFor, withPool } = context
      const database = onlyDatabase(config, options.database)
      const act = { reason: options.reason, actor: actorOf(options.actor) }
      const transport = await createTransportFromConfig(config)
      const adoption = await waitFor('Kafka', (config.kafka.brokers ?? []).join(', '), () =>
        withPool(database, (pool) =>
          adoptTopic({ database: pool, transport, topic, schema: database.schema }, act),
        ),
      )
      context.print({ database: database.name, ...adoption }, (it) =>
        it.before.every((before) => before === it.partitions)
          ? `${it.database}: ${it.topic} is written to with ${it.partitions} partitions already\n`
          : `${it.database}: ${it.topic} will be written to with ${it.partitions} partitions instead of ${it.before.join(', ')}\n`,
      )
    })
}

async function carryOut(
  { config, waitFor }: CommandContext,
  work: typeof planTopics,
): Promise<readonly PlannedTopic[]> {
  const { contracts, orchestrator, topicPrefix, topics, kafka } = config
  const options = { contracts, sagas: orchestrator?.sagas ?? [], topicPrefix, ...topics }
  if (declaredTopics(options).length === 0)
    throw new BackstitchError(
      'CONFIG_INVALID',
      'contracts, orchestrator.sagas: neither is given, so there is no topic to speak of',
    )
  const transport = await createTransportFromConfig(config)
  return waitFor('Kafka', (kafka.brokers ?? []).join(', '), () => work({ ...options, transport }))
}

function asTable(plan: readonly (Omit<PlannedTopic, 'state'> & { readonly state: string })[]): string {
  return renderTable(
    ['topic', 'state', 'partitions', 'replication', 'note'],
    plan.map(({ topic, state, partitions, replicationFactor, existing }) => ({
      topic,
      state,
      partitions: existing ?? partitions,
      replication: existing === undefined ? (replicationFactor ?? 'broker default') : undefined,
      note: state === 'differs' ? `the configuration says ${partitions}` : undefined,
    })),
  )
}
