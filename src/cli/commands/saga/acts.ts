import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Act } from '../../../audit/act.ts'
import type { SagaSummary } from '../../../saga/operator/saga-operator-store.ts'
import type { SagaOperator } from '../../../saga/operator/saga-operator.ts'
import { actorOf } from '../../actor.ts'
import type { CliIo } from '../../cli-io.ts'
import { commandContext } from '../../command-context.ts'
import { type ActOptions, addActOptions } from '../../operator-options.ts'
import { idOf, sagaArgument, sagaTable, withOperator } from './operator-of.ts'

type Options = ActOptions & {
  readonly step?: string
  readonly result?: unknown
  readonly as?: 'completed' | 'compensated'
}

type ActCommand = {
  readonly verb: string
  readonly description: string
  /** More words of the example. */
  readonly example?: string
  readonly options?: (command: Command) => Command
  readonly act: (operator: SagaOperator, id: string, act: Act, options: Options) => Promise<SagaSummary>
}

const stepOption = (command: Command): Command =>
  command.option('--step <name>', 'the step that is meant, where several branches have stopped')

const commands: readonly ActCommand[] = [
  {
    verb: 'retry',
    description: 'send what a parked saga waits for once more, with all its attempts',
    options: stepOption,
    act: (operator, id, act, { step }) => operator.retry(id, act, step),
  },
  {
    verb: 'skip',
    description: 'pass over what a parked saga waits for: you vouch that it is settled',
    options: stepOption,
    act: (operator, id, act, { step }) => operator.skip(id, act, step),
  },
  {
    verb: 'substitute',
    description: 'give the result of what a parked saga waits for, as if its answer had come',
    example: `--result '{"paymentId":"P-17"}' `,
    options: (command) =>
      stepOption(command).requiredOption('--result <json>', 'the body of the answer', jsonOf),
    act: (operator, id, act, { result, step }) => operator.substitute(id, act, result, step),
  },
  {
    verb: 'cancel',
    description: 'undo what was done; refused once the pivot was sent',
    act: (operator, id, act) => operator.cancel(id, act),
  },
  {
    verb: 'compensate',
    description: 'undo a parked saga; over an unanswered pivot you vouch that it has not happened',
    act: (operator, id, act) => operator.compensate(id, act),
  },
  {
    verb: 'hold',
    description: 'begin nothing more of a saga until it is resumed; what is on its way may arrive',
    act: (operator, id, act) => operator.hold(id, act),
  },
  {
    verb: 'resume',
    description: 'let a saga that is held go on',
    act: (operator, id, act) => operator.resume(id, act),
  },
  {
    verb: 'resolve',
    description: 'end a parked saga by hand: what was open is settled elsewhere',
    example: '--as completed ',
    options: (command) =>
      command.addOption(
        new Option('--as <status>', 'how it has ended')
          .choices(['completed', 'compensated'])
          .makeOptionMandatory(),
      ),
    act: (operator, id, act, { as = 'completed' }) => operator.resolve(id, act, as),
  },
]

/** `backstitch saga retry|skip|…`: the compensation desk. */
export function addActCommands(saga: Command, io: CliIo): void {
  for (const { verb, description, example = '', options = (it: Command) => it, act } of commands)
    options(addActOptions(saga.command(verb).description(description).argument('<saga>', sagaArgument)))
      .addHelpText(
        'after',
        `\nExample:\n  backstitch saga ${verb} place-order/o-17 ${example}--reason 'as agreed with the card service'`,
      )
      .action(async (words: string, given: Options, command: Command) => {
        const context = await commandContext(io, command)
        const by: Act = { reason: given.reason, actor: actorOf(given.actor) }
        const summary = await withOperator(context, async (operator) =>
          act(operator, await idOf(operator, words), by, given),
        )
        context.print(summary, (it) => sagaTable([it]))
      })
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new InvalidArgumentError('It is JSON.')
  }
}
