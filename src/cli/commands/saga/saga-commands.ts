import { type Command, Option } from 'commander'
import { isUuid } from '../../../kernel/ids.ts'
import { BackstitchError } from '../../../kernel/errors.ts'
import { parsedJson } from '../../../kernel/parsed-json.ts'
import { createSagaOperator } from '../../../runtime/saga-operator.ts'
import { chooseOrchestratorDatabase } from '../../../runtime/from-config/choose-databases.ts'
import type { SagaStatus } from '../../../saga/machine/saga-state.ts'
import type { SagaDetails, SagaSummary } from '../../../saga/operator/saga-operator-store.ts'
import type { SagaOperator } from '../../../saga/operator/saga-operator.ts'
import type { Act } from '../../../audit/act.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { type CommandContext, commandContext } from '../../command-context.ts'
import { cellOf, renderTable } from '../../output/render-table.ts'
import { addDiffCommand, addGraphCommand } from './graph.ts'
import { addActOptions, type ActOptions, limitOf } from '../../operator-options.ts'

const statuses: readonly SagaStatus[] = ['running', 'compensating', 'completed', 'compensated', 'parked']
const sagaArgument = 'its id, or <name>/<business key>'

/** `backstitch saga list|show|graph|diff|retry|skip`: definitions, instances, and the compensation desk in its first form. */
export function addSagaCommands(program: Command, io: CliIo, end: (exitCode: number) => void): void {
  const saga = program.command('saga').description('look at sagas, and help those that are parked')
  saga
    .command('list')
    .description('the newest sagas')
    .addOption(new Option('--status <status>', 'only those of one status').choices(statuses))
    .option('--limit <number>', 'how many at most', limitOf, 100)
    .addHelpText('after', '\nExample:\n  backstitch saga list --status parked')
    .action(async (options: { status?: SagaStatus; limit: number }, command: Command) => {
      const context = await commandContext(io, command)
      context.print(await withOperator(context, (operator) => operator.list(options)), sagaTable)
    })
  saga
    .command('show')
    .description('one saga with its history and its timers')
    .argument('<saga>', sagaArgument)
    .addHelpText(
      'after',
      '\nExample:\n  backstitch saga show place-order/0192f0c1-5a5e-7c3f-9d3c-3b1f1f6b8a11',
    )
    .action(async (words: string, _: object, command: Command) => {
      const context = await commandContext(io, command)
      const found = await withOperator(context, async (operator) =>
        operator.show(await idOf(operator, words)),
      )
      // The state is stored as text; as part of the JSON it is JSON, if it still is that.
      const { state, ...rest } = found
      context.print({ ...rest, state: parsedJson(state) }, () => sagaPage(found))
    })
  addGraphCommand(saga, io)
  addDiffCommand(saga, io, end)
  addAct(saga, io, 'retry', 'send what a parked saga waits for once more, with all its attempts')
  addAct(saga, io, 'skip', 'pass over what a parked saga waits for: you vouch that it is settled')
}

function addAct(saga: Command, io: CliIo, verb: 'retry' | 'skip', description: string): void {
  addActOptions(saga.command(verb).description(description).argument('<saga>', sagaArgument))
    .option('--step <name>', 'the step that is meant, where several branches have stopped')
    .addHelpText(
      'after',
      `\nExample:\n  backstitch saga ${verb} place-order/o-17 --reason 'the card service is back'`,
    )
    .action(async (words: string, options: ActOptions & { step?: string }, command: Command) => {
      const { reason, actor, step } = options
      const context = await commandContext(io, command)
      const act: Act = { reason, actor: actorOf(actor) }
      const summary = await withOperator(context, async (operator) =>
        operator[verb](await idOf(operator, words), act, step),
      )
      context.print(summary, (it) => sagaTable([it]))
    })
}

function withOperator<Result>(
  { config, withPool }: CommandContext,
  work: (operator: SagaOperator) => Promise<Result>,
): Promise<Result> {
  const database = chooseOrchestratorDatabase(config)
  const sagas = config.orchestrator?.sagas ?? []
  return withPool(database, (pool) =>
    work(createSagaOperator({ database: pool, schema: database.schema, sagas })),
  )
}

/** People know a saga by its name and business key. @throws `SAGA_NOT_FOUND` */
async function idOf(operator: SagaOperator, words: string): Promise<string> {
  const slash = words.indexOf('/')
  if (slash > 0) return operator.find(words.slice(0, slash), words.slice(slash + 1))
  if (isUuid(words)) return words.toLowerCase()
  throw new BackstitchError('SAGA_NOT_FOUND', `"${words}" is neither an id nor <name>/<business key>`)
}

function sagaTable(sagas: readonly SagaSummary[]): string {
  return renderTable(
    ['id', 'saga', 'key', 'status', 'started', 'updated', 'reason'],
    sagas.map(({ id, name, version, businessKey, status, startedAt, updatedAt, reason }) => ({
      id,
      saga: `${name} v${version}`,
      key: businessKey,
      status,
      started: startedAt,
      updated: updatedAt,
      reason,
    })),
  )
}

function sagaPage(saga: SagaDetails): string {
  const { id, name, version, businessKey, orchestrator, status, reason, startedAt, endedAt } = saga
  const facts = {
    id,
    saga: `${name} v${version}`,
    key: businessKey,
    orchestrator,
    status,
    reason,
    started: startedAt,
    ended: endedAt,
  }
  const head = Object.entries(facts).map(([fact, value]) => `${`${fact}:`.padEnd(14)}${cellOf(value)}\n`)
  const history = renderTable(
    ['at', 'event', 'step', 'direction', 'round', 'attempt', 'detail'],
    saga.history.map(({ kind, detail, ...entry }) => ({
      ...entry,
      event: kind,
      detail: detail === undefined ? undefined : JSON.stringify(detail),
    })),
  )
  const timers =
    saga.timers.length === 0
      ? ''
      : `\n${renderTable(
          ['due', 'step', 'direction', 'round', 'attempt'],
          saga.timers.map(({ dueAt, ...timer }) => ({ due: dueAt, ...timer })),
        )}`
  return `${head.join('')}\n${history}${timers}`
}
