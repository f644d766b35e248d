import { type Command, Option } from 'commander'
import { parsedJson } from '../../../kernel/parsed-json.ts'
import type { SagaStatus } from '../../../saga/machine/saga-state.ts'
import type { SagaDetails } from '../../../saga/operator/saga-operator-store.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { cellOf, renderTable } from '../../output/render-table.ts'
import { addActCommands } from './acts.ts'
import { idOf, sagaArgument, sagaTable, withOperator } from './operator-of.ts'
import { addDiffCommand, addGraphCommand } from './graph.ts'
import { limitOf } from '../../operator-options.ts'

const statuses: readonly SagaStatus[] = ['running', 'compensating', 'completed', 'compensated', 'parked']

/** `backstitch saga`: definitions, instances, and the compensation desk. */
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
  addActCommands(saga, io)
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
